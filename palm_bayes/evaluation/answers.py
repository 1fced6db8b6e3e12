"""Answers about one task: the work of a sweep's workers.

A worker fits the strategies of a task together, and writes all answers about it to one file, its
part, completely or not at all. It returns only counts. Data that cannot be fitted are failures, a
table of the part.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import pandas as pd

from palm_bayes.data.budgets import later_episodes
from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score, parsed
from palm_bayes.decisions.compare import Comparison, compare
from palm_bayes.decisions.label_budget import labels_to_reach
from palm_bayes.decisions.pairwise import log_speed_up, with_shares
from palm_bayes.errors import DataError, WriteError, listed, plural, require_inside
from palm_bayes.evaluation.checkpoints import Checkpoints, Part
from palm_bayes.evaluation.provenance import FAILURES, in_words, settings_of
from palm_bayes.forecast.forecast import forecast
from palm_bayes.inference.fitting import fit_validated
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.settings import Settings, seed_from
from palm_bayes.model.learned import Learned
from palm_bayes.model.priors import Priors
from palm_bayes.reading.options import Reading
from palm_bayes.reading.tasks import Draft, Task

TRACES = "traces"


@dataclass(frozen=True)
class Asked:
    """Questions to each task; see `palm_bayes.sweep`."""

    target: float | str | None = None
    assurance: float = 0.8
    reference: str | None = None
    horizon: int | None = None
    probability: float = 0.9

    def check(self) -> None:
        """Raise `DataError` for what no task allows, before the first is fitted."""
        for name in ("assurance", "probability"):
            require_inside(getattr(self, name), name)
        if self.horizon is not None:
            later_episodes(self.horizon)
        if self.target is not None:
            parsed(self.target, "the target")

    def check_for(self, drafts: Sequence[Draft], reading: Reading) -> None:
        """Raise `DataError` if no task has the reference, or none allows the target."""
        names = {name: None for draft in drafts for name in _strategies(draft)}
        if self.reference is not None and self.reference not in [*names]:  # of any type
            there = f"there are {listed(names)}"
            raise DataError(f"no task has the reference {self.reference!r}: {there}")
        if self.target is None:
            return
        refused = None
        for score in _scores(drafts, reading):
            try:
                score.target(self.target, tell=False)
            except DataError as error:
                refused = refused or error
            else:
                return
        if refused is not None:
            raise refused


@dataclass(frozen=True)
class TaskOutcome:
    """Result of a worker for a task: cells set aside, and an error that the data did not cause."""

    failed: int
    error: str = ""


def name_of(draft: Draft) -> str:
    """Return the name of a task's part: other data have another one."""
    return "\n".join((*draft.key, draft.sha256()[:12]))


def seed_of(key: tuple[str, str, str], seed: int) -> int:
    """Return a task's seed, which depends on its name and the seed of the sweep only."""
    return seed_from(seed, "\n".join(key))


def failures(draft: Draft, question: str, reason: str, strategy: str | None = None) -> Part:
    """Return the part of cells without an answer, by default all of the task."""
    names = _strategies(draft) if strategy is None else [strategy]
    rows = {**draft.names, "strategy": names, "question": question, "reason": reason}
    return {"failures": pd.DataFrame(rows)}


def _strategies(draft: Draft) -> list[str]:
    return [str(name) for name in draft.rows["strategy"].unique()]


def _scores(drafts: Sequence[Draft], reading: Reading) -> Iterator[Score]:
    """Yield what the scores are, of each task that can be read."""
    for draft in drafts:
        runs = None
        with suppress(*FAILURES):
            runs = draft.task(reading).runs
        if runs is not None:
            yield runs.score


def cells_of(draft: Draft) -> int:
    """Return the number of cells of a task."""
    return len(_strategies(draft))


@dataclass(frozen=True, eq=False)
class Work:
    """Work on one task, with the common state of a sweep that is sent to the workers."""

    reading: Reading
    priors: str | Priors
    learned: Learned
    prior: str  # name of `learned`, saved with the fits
    settings: Settings
    asked: Asked
    traces: bool
    kept: Checkpoints

    def settings_of(self) -> Mapping[str, object]:
        """Return all settings that the parts depend on."""
        fits = settings_of(self.priors, self.learned, self.settings)
        read = {name: str(value) for name, value in self.reading.given.items()}
        return {**fits, "reading": read, "asked": asdict(self.asked), "traces": self.traces}

    def __call__(self, draft: Draft) -> TaskOutcome:
        """Answer all questions about a task and keep the answers, if they are not there yet.

        `WriteError` if they cannot be written; other errors are in the outcome.
        """
        name = name_of(draft)
        part = self.kept.get(name)  # written by a worker that died before it returned
        if part is None:
            try:
                part = self._part(draft)
                self.kept.keep(name, part)
            except WriteError:  # all further answers would be lost as this one is
                raise
            except Exception as error:  # noqa: BLE001 -- one task must not end the others
                return TaskOutcome(cells_of(draft), in_words(error))
        aside = part.get("failures", pd.DataFrame({"strategy": []}))
        return TaskOutcome(int(aside["strategy"].nunique()))

    def _part(self, draft: Draft) -> Part:
        def read(names: Sequence[str]) -> Task:
            rows = draft.rows[draft.rows["strategy"].isin(names)]
            return replace(draft, rows=rows).task(self.reading)

        try:
            task, aside = _without_failing(_strategies(draft), read)
        except FAILURES as error:
            return failures(draft, "read", in_words(error))
        needed = f"of {MIN_EPISODES} needed"
        short = task.short if task is not None else {}
        aside |= {one: f"{plural([n], 'episode', 'episodes')} {needed}" for one, n in short.items()}
        parts = [failures(draft, "read", reason, one) for one, reason in aside.items()]
        if task is not None and task.runs is not None:
            parts += self._fitted(draft, task.runs)
        names = dict.fromkeys(name for part in parts for name in part)
        return {
            name: pd.concat([part[name] for part in parts if name in part], ignore_index=True)
            for name in names
        }

    def _fitted(self, draft: Draft, runs: Runs) -> Iterator[Part]:
        """Yield the answers about a task, or failures."""
        settings = replace(self.settings, seed=seed_of(draft.key, self.settings.seed))

        def fitted(names: Sequence[str]) -> Posterior:
            return fit_validated(
                runs.select(names), priors=self.priors, learned=self.learned, settings=settings,
                prior=self.prior,
            )  # fmt: skip

        try:
            fit, aside = _without_failing(runs.strategies, fitted)
        except FAILURES as error:
            yield failures(draft, "fit", in_words(error))
            return
        for strategy, reason in aside.items():
            yield failures(draft, "fit", reason, strategy)
        if fit is not None:
            yield from self._answered(draft, fit, settings.seed)

    def _answered(self, draft: Draft, fit: Posterior, seed: int) -> Iterator[Part]:
        """Yield the table of each question to a fit, or its failure."""
        trace = self._saved(fit, draft)
        compared = cache(
            lambda: compare(fit, reference=self.asked.reference, probability=self.asked.probability)
        )
        questions: dict[str, Callable[[], pd.DataFrame]] = {
            "verdicts": partial(_diagnostics_table, fit, seed=seed, trace=trace),
            "forecast": partial(self._forecast, fit),
            "labels_to_target": partial(self._labels_to_target, fit, compared),
            "comparison": partial(_comparison_table, fit, compared),
        }
        for question, answer in questions.items():
            try:
                table = answer()
            except FAILURES as error:
                yield failures(draft, question, in_words(error))
                continue
            yield {question: table.assign(**draft.names)}

    def _saved(self, fit: Posterior, draft: Draft) -> str:
        """Save the trace if asked for; return its path within the folder of the sweep."""
        if not self.traces or self.kept.folder is None:
            return ""
        words = re.sub(r"[^\w.-]+", "_", "_".join(filter(None, draft.key)))
        words = words.encode()[:80].decode(errors="ignore")  # file systems limit bytes
        digest = hashlib.sha256(name_of(draft).encode()).hexdigest()[:8]
        path = Path(TRACES) / f"{words or 'task'}-{digest}.nc"
        fit.save(self.kept.folder.parent / path)
        return path.as_posix()

    def _forecast(self, fit: Posterior) -> pd.DataFrame:
        new = forecast(fit, horizon=self.asked.horizon, scope="new")
        frames = [each.to_frame().assign(scope=each.scope) for each in (new.without_noise, new)]
        return pd.concat(frames, ignore_index=True)

    def _labels_to_target(self, fit: Posterior, compared: Callable[[], Comparison]) -> pd.DataFrame:
        target = self.asked.target
        if target is None:  # what the reference has reached
            found = compared()
            medians = found.ranking.set_index("strategy")["median"]
            target = float(medians[found.reference])
        # No note on how the target is read: each task would repeat it.
        target = fit.runs.score.target(target, tell=False)
        needed = labels_to_reach(
            fit, target, assurance=self.asked.assurance, probability=self.asked.probability
        )
        return needed.table.assign(
            target=needed.target, unit=needed.unit, assurance=needed.assurance, until=needed.until
        )


def _comparison_table(fit: Posterior, compared: Callable[[], Comparison]) -> pd.DataFrame:
    """Tabulate the comparison of a task's strategies, if there are several."""
    if len(fit.runs.strategies) < 2:
        return pd.DataFrame({"strategy": []})
    comparison = compared()
    effect = log_speed_up(comparison.paths, comparison.reference, comparison.at)
    effects = pd.DataFrame(
        {
            "strategy": comparison.strategies,
            "log_speed_up": effect.mean("sample").to_numpy(),
            "log_speed_up_sd": effect.std("sample", ddof=1).to_numpy(),
        }
    )
    return (
        with_shares(comparison.ranking, comparison.speed_up)
        .merge(effects, on="strategy")
        .assign(at=comparison.at, unit=comparison.unit, reference=comparison.reference)
    )


def _without_failing[T](
    names: Sequence[str], make: Callable[[Sequence[str]], T]
) -> tuple[T | None, dict[str, str]]:
    """Call `make` with all strategies, or all but those that fail alone; return reasons too.

    If each fails alone, nothing is made.
    """
    try:
        return make(names), {}
    except FAILURES:
        if len(names) == 1:
            raise
    reasons = dict[str, str]()
    for name in names:
        try:
            make([name])
        except FAILURES as error:
            reasons[name] = in_words(error)
    sound = [name for name in names if name not in reasons]
    return make(sound) if sound else None, reasons


def _diagnostics_table(fit: Posterior, seed: int, trace: str) -> pd.DataFrame:
    """Tabulate the data and the diagnostics of each strategy."""
    groups = fit.runs.table.groupby("strategy", sort=False)
    sizes = groups.agg(
        repetitions=("repetition", "nunique"),
        episodes=("episode", "nunique"),
        labels=("labels", "max"),
    )
    converged = fit.convergence.table.rename(columns={"passed": "converged"})
    check = fit.predictive_check.table[["passed", "finding"]]
    table = sizes.join(converged).join(check.rename(columns={"passed": "described"}))
    table = table.rename_axis("strategy").reset_index()
    return table.assign(**asdict(fit.runs.score), seed=seed, trace=trace)
