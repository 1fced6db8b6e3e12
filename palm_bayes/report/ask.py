"""Section that answers questions in the reader's browser, from draws inside the page.

`ask.js` computes what the commands compute, from the `payload` of the page:

- `budget`: a target is reached by a budget if the expected curve is at the target after some whole
  episode up to it. This needs, by strategy and budget, the draws of the highest accuracy so far.
  They are sorted, since the order of the draws does not matter here, and so take little space.
- `compare`: P(one above the other) by pair and budget.
- `stop`: the expected net value is linear in the expected gain after each further episode.
"""

import base64
import math
import zlib
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import considered, seen_budget, seen_by_strategy, unit_of
from palm_bayes.decisions import pairwise
from palm_bayes.decisions.doubts import with_warning
from palm_bayes.decisions.projection import later_budgets
from palm_bayes.decisions.stopping_rules import NetValue
from palm_bayes.decisions.trajectories import draw_paths
from palm_bayes.report.contents import Report

GRID = 10_000
"""Steps of accuracies from 0 to 1. They are rounded down, so a target of four digits is exact."""

MOST = 4_000_000
"""Most accuracies on a page, about 500 kB; of more, every k-th of the sorted draws is kept."""

ABOUT = (
    "The figures are computed in this browser, from the draws that the rest of the page uses; "
    "nothing is sent. They are those of the commands budget and compare for the same question, "
    "and of stop for the net value, even where stop cannot say. A target is reached by a budget "
    "if the expected curve is at the target after some whole episode up to it. The net value is "
    "that of the best number of further episodes within the budget, counted from the end of the "
    "strategy's own data; a point is 0.01 of the score, or 1 %."
)
THINNED = (
    "For the target, the page has {:,} of {:,} draws, evenly chosen in order of the score at every "
    "budget: its probabilities are within {:.2g} % of those of the commands."
)


@dataclass(frozen=True)
class Slider:
    """Ends, step and initial value of a slider and of the number field beside it."""

    low: float
    high: float
    step: float
    start: float


@dataclass(frozen=True, eq=False)
class Ask:
    """Initial values of the section, and the data for its computations."""

    report: Report

    @cached_property
    def paths(self) -> xr.DataArray:
        """Expected curves, dims (sample, strategy, budget), at the budgets of `labels_to_reach`."""
        report, asked = self.report, self.report.questions
        if report.needed is not None:
            return report.needed.curves
        return draw_paths(report.fit, considered(report.fit.runs, asked.within, asked.pool))

    @property
    def budgets(self) -> Floats:
        """Budgets after whole episodes, shape (budget,)."""
        return np.asarray(self.paths["budget"].to_numpy(), float)

    @cached_property
    def strategies(self) -> list[str]:
        """Strategies, the highest at the budget of the comparison first."""
        return list(self.report.comparison.ranking["strategy"])

    @property
    def chosen(self) -> tuple[int, int]:
        """Indices of the strategies selected at first: the one in use or the best, and another."""
        first = self.strategies.index(self.report.questions.strategy or self.strategies[0])
        return first, int(first == 0)

    @property
    def unit(self) -> str:
        """Unit of budgets."""
        return unit_of(self.report.fit.runs)

    @property
    def warning(self) -> str:
        """Warning of doubts about the fits; empty without doubts."""
        return with_warning(self.report.comparison.doubts, "").strip()

    @property
    def words(self) -> list[str]:
        """Paragraphs below the answers."""
        kept, count = self.draws.shape[-1], self.paths.sizes["sample"]
        return [ABOUT] if kept == count else [ABOUT, THINNED.format(kept, count, 100 / kept)]

    @property
    def rows(self) -> list[str]:
        """Names of the answers, as in `ask.js`."""
        above = ["above"] * self.report.several
        return ["within", "sure", "needed", "never", *above, *(["net"] * bool(self.costs))]

    @property
    def places(self) -> Slider:
        """Slider of the budget: indices of `budgets`, from the budget seen to the last."""
        seen, end = seen_budget(self.report.fit.runs), len(self.budgets) - 1
        first = min(int(np.searchsorted(self.budgets, seen - 1e-9)), end)
        budget = self.report.questions.within or self.report.until
        start = max(int(np.searchsorted(self.budgets, budget + 1e-9)) - 1, first)
        return Slider(first, end, 1, start)

    @property
    def budget(self) -> Slider:
        """Number field of the budget: `budgets` at `places`."""
        runs, at = self.report.fit.runs, self.places
        low, high, start = (float(self.budgets[int(i)]) for i in (at.low, at.high, at.start))
        return Slider(low, high, runs.batch if runs.labels_known else 1, start)

    @cached_property
    def target_line(self) -> Slider:
        """Slider of the target, in the user's own scale: 99 % of the values from today on."""
        score, needed = self.report.fit.runs.score, self.report.needed
        paths, at = self.paths, self.places
        middle = score.values(float(paths.isel(budget=int(at.start)).median("sample").max()))
        ends = score.values(paths.isel(budget=[int(at.low), -1]))
        low, high = (float(ends.quantile(p)) for p in (0.005, 0.995))
        step = score.unit * (1e-3 if high - low > 0.02 * score.unit else 1e-4)
        start = round(middle / step) * step if needed is None else needed.target
        low = math.floor(min(low, start) / step) * step
        high = min(math.ceil(max(high, start) / step) * step, score.unit)
        return Slider(*(float(f"{value:.10g}") for value in (low, high, step, start)))

    @property
    def target(self) -> Slider:
        """Number field of the target."""
        score = self.report.fit.runs.score
        low, high = sorted((score.values(1 / GRID), score.values(1.0)))
        return Slider(low, high, score.unit / GRID, self.target_line.start)

    @property
    def costs(self) -> dict[str, float | None]:
        """Initial costs: those of the report's rule; empty if labels are unknown."""
        if not self.report.fit.runs.labels_known:
            return {}
        rule = self.report.questions.rule
        leaves = () if rule is None else rule.leaves()
        own = next((leaf for leaf in leaves if isinstance(leaf, NetValue)), None)
        costs = (None, None, 0.0) if own is None else astuple(own)
        return dict(zip(("label-cost", "point-value", "episode-cost"), costs, strict=True))

    @cached_property
    def draws(self) -> NDArray[np.uint16]:
        """Sorted draws of the highest accuracy so far, dims (strategy, budget, sample)."""
        paths = self.paths.sel(strategy=self.strategies).transpose("strategy", "budget", "sample")
        highest = np.maximum.accumulate(np.floor(paths.to_numpy() * GRID).astype("<u2"), axis=1)
        count = highest.shape[-1]
        kept = max(min(count, MOST * count // highest.size), 1)
        places = ((np.arange(kept) + 0.5) * count / kept).astype(int)  # the middle one of each k
        return np.sort(highest, axis=-1)[..., places]

    def payload(self) -> dict[str, Any]:
        """Return the data for `ask.js`, in the types of JSON."""
        asked, score = self.report.questions, self.report.fit.runs.score
        return {
            "unit": self.unit,
            "scale": score.unit,
            "around": score.around,
            "lower": score.lower_is_better,
            "better": score.better,
            "grid": GRID,
            "strategies": self.strategies,
            "budgets": self.budgets.tolist(),
            "assurance": asked.assurance,
            "probability": asked.probability,
            "samples": self.paths.sizes["sample"],
            "kept": self.draws.shape[-1],
            "draws": _packed(self.draws),
            "above": self._above(),
            "gains": self._gains() if self.costs else None,
        }

    def _above(self) -> list[list[int]]:
        """Count draws with one above the other, twice; by pair, as in `strategies`, and budget."""
        of = {name: self.paths.sel(strategy=name).to_numpy() for name in self.strategies}
        shares = (pairwise.above(of[a] - of[b]) for a, b in combinations(self.strategies, 2))
        twice = 2 * self.paths.sizes["sample"]
        return [np.rint(twice * share).astype(int).tolist() for share in shares]

    def _gains(self) -> list[dict[str, list[float]]]:
        """Compute the expected gain from the end of each strategy's data, in accuracy points."""
        runs, end = self.report.fit.runs, float(self.budgets[-1])
        spent = seen_by_strategy(runs)  # labels, which are known here
        ahead = {name: later_budgets(runs, spent[name], end) for name in self.strategies}
        every = np.unique(np.concatenate([labels for labels, _ in ahead.values()]))
        means = 100 * self._means(every)
        gains = []
        for name, (labels, episodes) in ahead.items():
            there = means.sel(strategy=name, budget=labels).to_numpy()
            columns = {"labels": labels, "episodes": episodes, "gain": there - there[0]}
            gains.append({column: values.tolist() for column, values in columns.items()})
        return gains

    def _means(self, budgets: Floats) -> xr.DataArray:
        """Compute expected accuracies, dims (strategy, budget), of `paths` where they have them."""
        means = self.paths.mean("sample")
        others = np.setdiff1d(budgets, self.budgets)  # where strategies end apart
        if not others.size:
            return means
        apart = draw_paths(self.report.fit, others).mean("sample")
        return xr.concat([means, apart], "budget")


def _packed(draws: NDArray[np.uint16]) -> str:
    """Compress sorted draws: their differences, as little-endian bytes, in base64."""
    first = np.zeros_like(draws[..., :1])
    steps = np.diff(draws, axis=-1, prepend=first)
    return base64.b64encode(zlib.compress(steps.tobytes())).decode()
