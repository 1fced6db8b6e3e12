/* Answer the questions of "Ask the page" from the draws on the page.

   Each figure is that of a command for the same question, and is tested against it:
   `palm-bayes budget --target T --within B` (reached, needed, never), `palm-bayes compare --at B`
   (above) and `palm-bayes stop --label-cost --point-value --budget B --with NAME --force` (net).
   See report/ask.py for what is told here. Without JavaScript the section stays hidden. */
"use strict";
(async () => {
  const told = JSON.parse(document.getElementById("ask-data").textContent);
  const section = document.getElementById("ask").closest("section");
  const control = (name) => document.getElementById(`ask-${name}`);
  const { budgets, kept, unit, strategies } = told;
  const last = budgets.length - 1;
  const draws = await unpacked(told.draws);

  // ---- What is on the page

  /** Sorted draws of the highest accuracy so far, by strategy and budget; sent as differences. */
  async function unpacked(text) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const values = new Uint16Array(await new Response(stream).arrayBuffer());
    for (let i = 0; i < values.length; i++) if (i % kept) values[i] += values[i - 1];
    return values;
  }

  // ---- What the commands compute

  /** By budget, the number of draws at the target after some whole episode up to it. */
  function reached(strategy, target) {
    const part = target / told.scale;
    const least = Math.ceil((told.lower ? 1 - part : part) * told.grid - 1e-6);
    return budgets.map((_, at) => {
      const start = (strategy * budgets.length + at) * kept;
      let [low, high] = [0, kept]; // the first draw at the target is between them
      while (low < high) {
        const middle = (low + high) >> 1;
        if (draws[start + middle] < least) low = middle + 1;
        else high = middle;
      }
      return kept - low;
    });
  }

  /** The smallest budget that suffices with a probability; infinite if none does. */
  function needed(counts, probability) {
    const at = counts.findIndex((count) => count >= probability * kept - 1e-9);
    return at < 0 ? Infinity : budgets[at];
  }

  /** P(one strategy above another) at a budget; null for a strategy and itself. */
  function above(one, other, at) {
    if (one === other) return null;
    const [i, j] = [Math.min(one, other), Math.max(one, other)];
    const pair = (i * (2 * strategies.length - i - 1)) / 2 + j - i - 1;
    const halves = told.above[pair][at]; // a draw with both alike is half for each
    return (one === i ? halves : 2 * told.samples - halves) / (2 * told.samples);
  }

  /** The episodes, up to a budget, of the highest expected net value; null if none is left. */
  function net(strategy, budget, costs) {
    const { labels, episodes, gain } = told.gains[strategy];
    let best = null;
    for (let e = 1; e < labels.length && labels[e] <= budget + 1e-9; e++) {
      const spent = costs.label * (labels[e] - labels[0]) + costs.episode * episodes[e];
      const value = costs.point * gain[e] - spent;
      if (best === null || value > best.value) {
        best = { value, episodes: episodes[e], labels: labels[e] };
      }
    }
    return best;
  }

  // ---- Words, as in the commands

  const whole = { maximumFractionDigits: 0, roundingMode: "halfEven" }; // as Python rounds
  const count = (number) => number.toLocaleString("en-US", whole);
  const past = `>${count(budgets[last])}`;
  const shown = (budget) => (budget < Infinity ? count(budget) : past);

  function amount(value) {
    return Math.abs(value) >= 1000 ? count(value) : `${Number(value.toPrecision(3))}`;
  }

  function percent(probability) {
    const whole = Math.floor(100 * probability + 0.5);
    if (whole === 0) return "<1\u00a0%";
    return whole === 100 ? ">99\u00a0%" : `${whole}\u00a0%`;
  }

  function best(found) {
    if (found === null) return "no episode is left";
    const episodes = `${found.episodes} episode${found.episodes > 1 ? "s" : ""}`;
    const words = `${amount(found.value)} (${episodes}, to ${count(found.labels)} labels)`;
    return found.value > 0 ? words : `none pays: ${words}`;
  }

  // ---- The question, from the controls

  /** The place of the last whole episode up to a budget. */
  const place = (budget) => budgets.findLastIndex((there) => there <= budget + 1e-9);

  /** A control's number; null if it is empty or not allowed. */
  function number(name) {
    const { value, min, max } = control(name);
    const allowed = value !== "" && +value >= (min || -Infinity) && +value <= (max || Infinity);
    return allowed ? +value : null;
  }

  function question() {
    const at = +control("budget-line").value;
    const chosen = ["first", "second"].map((name) => control(name)).filter(Boolean);
    const costs = told.gains && {
      label: number("label-cost"), point: number("point-value"), episode: number("episode-cost"),
    };
    const priced = costs && costs.label !== null && costs.point > 0 && costs.episode !== null;
    return {
      at, budget: budgets[at], target: +control("target-line").dataset.target,
      strategies: chosen.map((select) => +select.value), costs: priced ? costs : null,
    };
  }

  // ---- The answer

  function answers(asked) {
    return asked.strategies.map((strategy, i) => {
      const counts = reached(strategy, asked.target);
      const tail = (1 - told.probability) / 2;
      const [middle, low, high] = [0.5, tail, 1 - tail].map((p) => needed(counts, p));
      const sure = needed(counts, told.assurance);
      const other = asked.strategies[1 - i] ?? strategy;
      const lead = above(strategy, other, asked.at);
      const worth = asked.costs && net(strategy, asked.budget, asked.costs);
      const within = counts[asked.at] / kept;
      const never = (kept - counts[last]) / kept;
      return {
        within: [within, percent(within)],
        sure: [sure, shown(sure)],
        needed: [middle, `${shown(middle)} [${shown(low)} to ${shown(high)}]`],
        never: [never, percent(never)],
        above: lead === null ? ["", "–"] : [lead, percent(lead)],
        net: asked.costs ? [worth?.value ?? "", best(worth)] : ["", "costs are not given"],
      };
    });
  }

  function named(target) {
    const [before, after] = told.around;
    return `${before}${target}${after.replace(" ", "\u00a0")}`;
  }

  function headings({ budget, target }) {
    const [there, end] = [`${count(budget)} ${unit}`, `${count(budgets[last])} ${unit}`];
    const exactly = (share) => `${+(100 * share).toFixed(6)}\u00a0%`;
    const needs = unit[0].toUpperCase() + unit.slice(1);
    return {
      within: `Reaches ${named(target)} by ${there}`,
      sure: `${needs} for ${named(target)} with ${exactly(told.assurance)} probability`,
      needed: `${needs} needed: median [${exactly(told.probability)} interval]`,
      never: `Does not reach it by ${end}`,
      above: `${told.lower ? "Below" : "Above"} the other at ${there}`,
      net: `Best expected net value by ${there}`,
    };
  }

  function sentence({ budget, target, strategies: asked }, found) {
    const there = `${count(budget)} ${unit}`;
    const [first, second] = asked.map((strategy) => strategies[strategy]);
    const words = `${first} reaches ${named(target)} by ${there} with ${found[0].within[1]} probability`;
    if (found[0].above[0] === "") return `${words}.`;
    const rest = `At ${there} ${first} is ${told.better} ${second} with ${found[0].above[1]} probability.`;
    return `${words}, ${second} with ${found[1].within[1]}. ${rest}`;
  }

  // Long names break after their marks first.
  function breakable(name) {
    const parts = name.split(/(?<=[_/.-])/);
    return parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part]));
  }

  let waiting;
  function answer() {
    const asked = question();
    const found = answers(asked);
    const heads = headings(asked);
    asked.strategies.forEach((strategy, i) => {
      section.querySelectorAll("thead th")[i + 1].replaceChildren(...breakable(strategies[strategy]));
    });
    for (const row of section.querySelectorAll("tbody tr")) {
      row.querySelector("th").textContent = heads[row.dataset.row];
      row.querySelectorAll("data").forEach((cell, i) => {
        [cell.value, cell.textContent] = found[i][row.dataset.row];
      });
    }
    control("budget-line").setAttribute("aria-valuetext", `${count(asked.budget)} ${unit}`);
    clearTimeout(waiting); // read aloud once a line rests
    waiting = setTimeout(() => { control("said").textContent = sentence(asked, found); }, 300);
  }

  // ---- Each line moves its number, and each number its line

  function linked(name, ofLine, toLine) {
    const [line, box] = [control(`${name}-line`), control(name)];
    line.addEventListener("input", () => { box.value = ofLine(line); });
    box.addEventListener("input", () => {
      if (number(name) !== null) toLine(line, +box.value);
    });
    box.addEventListener("change", () => { box.value = ofLine(line); });
  }

  linked("budget", (line) => budgets[+line.value], (line, value) => {
    line.value = place(value);
  });
  // A typed target may be finer than a step of its line, and beyond its ends.
  const target = control("target-line");
  target.dataset.target = control("target").value;
  target.addEventListener("input", () => { target.dataset.target = +target.value; });
  linked("target", (line) => +line.dataset.target, (line, value) => {
    line.value = line.dataset.target = value;
  });
  section.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  section.addEventListener("input", answer);
  section.addEventListener("change", answer);

  answer();
  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
})();
