"""`Runs`: validated active-learning curves, the only form of data that the package accepts.

Every reader calls `Runs.from_frame`, so each rule about data is written once, here.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from palm_bayes.arrays import Floats, as_floats, interpolated
from palm_bayes.data.cells import EXACT, MAX_NAME, as_text, in_native_order, natural
from palm_bayes.data.limits import MIN_EPISODES, NO_LABELS, XMode, check_options
from palm_bayes.data.score import Score
from palm_bayes.data.validation import (
    MEAN_OF,
    RUN,
    STANDARD_ERROR,
    as_notes,
    errors_to_fractions,
    numbers,
    reject,
    to_fractions,
    with_counts,
)
from palm_bayes.display import Display, Displayed
from palm_bayes.errors import DataError, known, listed, of_type, plural, span, text, visible, whole

_COLUMNS = [*RUN, "episode", "labels", "x", "accuracy"]
_SPAN = 1e-6, 1e12  # x, in batches, that is allowed: labels up to 1e9, and a batch of any use
_UNEVEN = 0.1  # steps within a tenth of the batch count as even: 1000, 2001, 3002 occurs


@dataclass(frozen=True, eq=False, repr=False)
class Runs(Displayed):
    """Validated runs of one task: strategies, each with repetitions. See `Runs.from_frame`.

    Attributes
    ----------
    table : DataFrame
        One row per observation, sorted by strategy, repetition (natural order) and episode:
        ``strategy`` (str), ``repetition`` (str), ``episode`` (int, from 1), ``labels``
        (cumulative; NaN throughout where unknown), ``x`` (batches, > 0), ``accuracy``: the score
        as a fraction that rises, see `score`. Where accuracies are means of repetitions with known
        noise also ``standard_error``, a fraction, and ``mean_of``, their number; NaN where unknown.
    batch : float
        Labels per episode b; 1 where labels are unknown.
    score : Score
        The score's name, unit and direction, which converts `table` to the user's values.
    dataset, model : str
        The task; empty where unknown.
    origins : mapping of (strategy, repetition) to str
        The file that each run came from; may be empty.
    notes : tuple of str
        How the data were interpreted, and what is unusual but usable.
    read_with : mapping of str to Any
        Options that chose how the source was read: ``columns``, ``layout``, ``pattern``, ``pool``,
        ``spread``.
    """

    table: pd.DataFrame
    batch: float
    score: Score = field(default_factory=Score)
    dataset: str = ""
    model: str = ""
    origins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    read_with: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        batch: float | None = None,
        x_mode: XMode = "labels",
        percent: bool | None = None,
        metric: str | None = None,
        lower_is_better: bool = False,
        max_repetitions: int | None = None,
        max_episodes: int | None = None,
        dataset: str = "",
        model: str = "",
        notes: Sequence[str] = (),
    ) -> Self:
        """Validate a tidy frame of one task.

        Parameters
        ----------
        frame : DataFrame
            Columns ``strategy``, ``accuracy`` (fractions or percent), ``episode`` and/or
            ``labels``; optionally ``repetition``, ``metric`` (the score's name), and ``file`` and
            ``where`` (a row's place in it) for messages. Without labels x is the episode; without
            episodes they are ranks. Of means also ``standard_error``, in the unit of the
            accuracies, and ``mean_of``, the number of repetitions.
        batch : float, optional
            Labels per episode; by default the median step of the labels over all runs. Where
            labels are unknown, labels = episode * batch.
        x_mode : {"labels", "episodes"}
            ``x`` is labels / batch, or the episode.
        percent : bool, optional
            True if accuracies are in percent; by default inferred from the values.
        metric : str, optional
            Name of the score; by default accuracy or error.
        lower_is_better : bool
            True for error rates and losses, which are given back as such.
        max_repetitions, max_episodes : int, optional
            Numbers of first repetitions (natural order) and first episodes to use.

        Raises
        ------
        DataError
            If anything in the frame cannot be used.
        """
        check_options(batch, x_mode, max_repetitions, max_episodes)
        task, all_notes = (text(dataset, "dataset"), text(model, "model")), as_notes(notes)
        counted = with_counts(_typed_columns(frame), batch, all_notes)
        table = _first_runs(counted, max_repetitions, max_episodes)
        score = to_fractions(table, percent, metric, lower_is_better, all_notes)
        columns = [*_COLUMNS, *errors_to_fractions(table, score, all_notes)]
        _check_runs(table)
        step = _add_x(table, batch, x_mode, all_notes)
        files = table.loc[table["file"] != "", [*RUN, "file"]].drop_duplicates(RUN)
        origins = {(s, r): visible(file) for s, r, file in files.itertuples(index=False)}
        return cls(table[columns], step, score, *task, origins, tuple(all_notes))

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the strategies, in the order of `table`."""
        return tuple(self.table["strategy"].unique())

    @property
    def of_means(self) -> bool:
        """True if accuracies are means of repetitions, with known standard errors."""
        return STANDARD_ERROR in self.table

    @property
    def single(self) -> str:
        """What an accuracy is measured on, in words: "a single run", or "a mean of 5 runs"."""
        if not self.of_means:
            return "a single run"
        counts = self.table[MEAN_OF].dropna()
        return f"a mean of {plural(counts, 'run', 'runs') if len(counts) else 'runs'}"

    @property
    def x_mode(self) -> XMode:
        """What ``x`` counts, if labels are known."""
        of_labels = np.allclose(self.table["x"] * self.batch, self.table["labels"], equal_nan=True)
        return "labels" if of_labels else "episodes"

    @property
    def labels_known(self) -> bool:
        """True if label counts are known, not only episodes."""
        return bool(self.table["labels"].notna().all())

    def strategy(self, name: str) -> Self:
        """Return the runs of one strategy with all other attributes, such as `batch`, unchanged."""
        if of_type(name, str, "strategy", "the name of one") not in self._selected:
            self._selected[name] = self.select([name])
        return self._selected[name]

    @cached_property
    def _selected(self) -> dict[str, Self]:
        """Runs of the strategies that `strategy` has been asked for."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave `_selected` out of pickles, such as those that workers get."""
        return {name: value for name, value in vars(self).items() if name != "_selected"}

    def select(self, names: Iterable[str]) -> Self:
        """Return the runs of the named strategies, in that order; `DataError` if unknown."""
        wanted = known(names, self.strategies, "strategy")
        return self._with(pd.concat(self.table[self.table["strategy"] == s] for s in wanted))

    def first(self, episodes: int) -> Self:
        """Return the rows with episode <= `episodes` (at least 1); `batch` is kept."""
        return self._with(self.table[self.table["episode"] <= whole(episodes, "episodes", 1)])

    def limited(self, max_repetitions: int | None, max_episodes: int | None) -> Self:
        """Return the first repetitions and episodes, refused as by `from_frame`; None keeps all."""
        check_options(None, "labels", max_repetitions, max_episodes)
        table = _first_runs(self.table, max_repetitions, max_episodes)
        _check_runs(table)
        return self._with(table)

    def _with(self, table: pd.DataFrame) -> Self:
        kept = set(table.groupby(RUN).groups)
        origins = {run: file for run, file in self.origins.items() if run in kept}
        return replace(self, table=table.reset_index(drop=True), origins=origins)

    def labels_at(self, x: ArrayLike) -> Floats:
        """Convert model x to cumulative labels; NaN where labels are unknown.

        They are x * batch. With known labels and ``x_mode="episodes"`` they are linear between
        the observed points (median over runs), and beyond them grow by `batch` per x.
        """
        at = as_floats(x, "x")
        if not self.labels_known:
            return np.full(at.shape, np.nan)
        points = self._known_points()
        return interpolated(at, points["x"], points["labels"], self.batch)

    def x_at(self, labels: ArrayLike) -> Floats:
        """Convert labels to model x; inverse of `labels_at`; `DataError` if labels are unknown."""
        if not self.labels_known:
            raise DataError(NO_LABELS)
        at, points = as_floats(labels, "labels"), self._known_points()
        return interpolated(at, points["labels"], points["x"], 1 / self.batch)

    def _known_points(self) -> pd.DataFrame:
        """Return known points (x, labels), increasing; one is enough where x = labels / batch."""
        if np.allclose(self.table["x"] * self.batch, self.table["labels"], rtol=1e-12):
            return pd.DataFrame({"x": [0.0], "labels": [0.0]})
        points = self.table.groupby("x")["labels"].median().reset_index()
        return points[points["labels"] > points["labels"].cummax().shift(fill_value=0.0)]

    def sha256(self) -> str:
        """Return the SHA-256 of `table`, in any order, `batch` and the pool, to twelve digits."""
        table, pool = self.table.sort_values([*RUN, "episode"]), self.read_with.get("pool")
        text = table.to_csv(index=False, float_format="%.12g", lineterminator="\n")
        sizes = f"batch {self.batch:.12g}\n" + (f"pool {pool:.12g}\n" if pool else "")
        return hashlib.sha256(f"{sizes}{text}".encode()).hexdigest()

    def describe(self) -> str:
        """Describe the size: "6 strategies x 5 repetitions x 12 episodes, 20 labels each"."""
        lengths = self.table.groupby(RUN).size()
        size = (
            plural([len(self.strategies)], "strategy", "strategies"),
            plural(lengths.groupby("strategy").size(), "repetition", "repetitions"),
            plural(lengths, "episode", "episodes"),
        )
        each = plural([self.batch], "label", "labels") + " each"
        return f"{' x '.join(size)}, {each if self.labels_known else 'labels unknown'}"

    def _display(self) -> Display:
        ends = self.table.groupby(RUN, sort=False).agg(
            episodes=("episode", "size"), labels=("labels", "last"),
            first=("accuracy", "first"), last=("accuracy", "last"),
        )  # fmt: skip
        of = ends.groupby("strategy", sort=False)
        table = of[["episodes", "labels"]].max()
        means = self.score.values(of[["first", "last"]].mean())
        table[[f"first {self.score.metric}", f"last {self.score.metric}"]] = means
        table.insert(0, "repetitions", of.size())
        task = " / ".join(filter(None, (self.dataset, self.model)))
        size = ": ".join(filter(None, (task, self.describe())))
        return Display("\n".join([size, *self.notes]), table.reset_index())


def require_runs(value: Any, what: str) -> Runs:
    """Return a value that is `Runs`; `DataError` for all else."""
    return of_type(value, Runs, what, "Runs, as palm_bayes.read returns")


def _typed_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Select the used columns: names as text, counts as numbers, none missing."""
    of_type(frame, pd.DataFrame, "the frame", "a DataFrame of pandas")
    if not {"strategy", "accuracy"} <= set(frame) or not {"episode", "labels"} & set(frame):
        needed = "strategy, accuracy, episode or labels"
        raise DataError(f"columns {needed} are needed: found {listed(frame)}")
    if frame.empty:
        raise DataError("the table has no rows")
    table = in_native_order(frame.reset_index(drop=True))
    for column, usual in (("repetition", "1"), ("file", ""), ("where", ""), ("metric", "")):
        table[column] = table.get(column, usual)
    table["metric"] = as_text(table["metric"])
    for column in RUN:
        table[column] = as_text(table[column])
        reject(table, table[column] == "", f"the {column} is empty")
        if (long := table[column].str.len() > MAX_NAME).any():
            size, brief = table[column].str.len().astype(float), table[column].str[:40] + " ..."
            message = f"the {column} has {{size:,.0f}} characters, allowed are {MAX_NAME}"
            reject(table.assign(size=size, **{column: brief}), long, message)
    if {"labels", "episode"} <= set(table) and as_text(table["labels"]).eq("").all():
        del table["labels"]
    for column in ("episode", "labels"):
        if column in table:
            table[column] = numbers(table, column, "a number above 0")
            message = f"{column} is {{{column}:g}}, but must be up to {EXACT:.0e}"
            reject(table, table[column] > EXACT, message)
    return table


def _first_runs(table: pd.DataFrame, repetitions: int | None, episodes: int | None) -> pd.DataFrame:
    """Sort by strategy (first seen), repetition (natural) and episode; keep the first of each."""
    begins = table.groupby("strategy")["episode"].min()
    late = begins[begins > (episodes or np.inf)]
    if len(late):
        who = listed(f"{name} with {first}" for name, first in late.items())
        raise DataError(f"max_episodes (--episodes) is {episodes}, but episodes begin later: {who}")
    order = sorted(table["repetition"].unique(), key=natural)
    keys = table.assign(
        strategy=pd.factorize(table["strategy"])[0],
        repetition=pd.Categorical(table["repetition"], order).codes,
    ).sort_values([*RUN, "episode"])
    rank = keys.groupby("strategy")["repetition"].rank("dense")
    kept = (rank <= (repetitions or np.inf)) & (keys["episode"] <= (episodes or np.inf))
    return table.loc[keys.index[kept]].reset_index(drop=True)


def _check_runs(table: pd.DataFrame) -> None:
    """Require labels that increase within runs, and a long enough run for every strategy."""
    before = table.groupby(RUN)["labels"].shift()
    message = "labels are {labels:,.10g} after {before:,.10g}, they must increase at every episode"
    reject(table.assign(before=before), table["labels"] <= before, message)
    longest = table.groupby(RUN)["episode"].transform("size")
    longest = longest.groupby(table["strategy"]).transform("max")
    message = f"the longest repetition has {{longest}} of the {MIN_EPISODES} episodes needed"
    reject(table.assign(longest=longest), longest < MIN_EPISODES, message)


def _check_span(x: "pd.Series[float]", batch: float) -> None:
    """Refuse a batch such as 1e-300 labels, in which x would not be finite."""
    if not x.between(*_SPAN).all():
        raise DataError(f"batch is {batch:,.10g}, but labels are {span(x)} times as many")


def _add_x(table: pd.DataFrame, batch: float | None, x_mode: XMode, notes: list[str]) -> float:
    """Add x (and labels, where they follow from the batch) in place; return the batch."""
    table["x"] = table["episode"].astype(float)
    if table["labels"].isna().all():
        if batch is None:
            notes.append("Labels are unknown: x is the episode.")
            return 1.0
        table["labels"] = table["episode"] * batch
        _check_span(table["labels"], batch)
        return float(batch)
    steps = table.groupby(RUN)["labels"].diff()
    step = float(steps.median())
    batch = step if batch is None else float(batch)
    _check_span(table["labels"] / batch, batch)
    if x_mode == "labels":
        table["x"] = table["labels"] / batch
    start = table.loc[table["episode"] == 1, "labels"]
    one = f"{batch:,.10g}"
    if ((steps / step - 1).abs() > _UNEVEN).any():
        notes.append(
            f"Batches are uneven ({span(steps)} labels): x counts {one} labels as one batch."
        )
    elif ((start / batch - 1).abs() > _UNEVEN).any():
        pool, x = span(start), span(table.loc[start.index, "x"])
        notes.append(f"The start pool ({pool} labels) is not one batch ({one}): x starts at {x}.")
    return batch
