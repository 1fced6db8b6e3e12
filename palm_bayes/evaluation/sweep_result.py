"""`Sweep`: answers about all tasks of a study, one Parquet dataset for each question."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from palm_bayes.data.quantiles import QUANTILE_NAMES
from palm_bayes.data.validation import CELL, TASK
from palm_bayes.display import Display, Displayed
from palm_bayes.errors import DataError, plural, require_inside
from palm_bayes.evaluation.checkpoints import Columns
from palm_bayes.evaluation.meta_analysis import pooled
from palm_bayes.files import as_path, together

if TYPE_CHECKING:
    from palm_bayes.plots.style import Axes, Figure
_TASK = [*TASK]
_TEXT, _NUMBER, _COUNT, _YES = pa.string(), pa.float64(), pa.int64(), pa.bool_()
_ROWS = 100_000  # written at a time
_TASKS = 60  # most tasks in a figure

COLUMNS: dict[str, dict[str, Any]] = {
    "verdicts": {
        **dict.fromkeys(CELL, _TEXT),
        **dict.fromkeys(("repetitions", "episodes"), _COUNT),
        "labels": _NUMBER,
        "metric": _TEXT,
        **dict.fromkeys(("percent", "lower_is_better"), _YES),
        "converged": _YES,
        **dict.fromkeys(("r_hat", "ess_bulk", "ess_tail"), _NUMBER),
        "divergences": _COUNT,
        "e_bfmi": _NUMBER,
        "attempts": _COUNT,
        "advice": _TEXT,
        "described": _YES,
        "finding": _TEXT,
        "seed": _COUNT,
        "trace": _TEXT,
    },
    "forecast": {
        **dict.fromkeys(CELL, _TEXT),
        "scope": _TEXT,
        **dict.fromkeys(("episode", "labels"), _NUMBER),
        "future": _YES,
        **dict.fromkeys(("mean", *QUANTILE_NAMES), _NUMBER),
    },
    "labels_to_target": {
        **dict.fromkeys(CELL, _TEXT),
        "target": _NUMBER,
        "unit": _TEXT,
        **dict.fromkeys(("assurance", "budget", "median", "lower", "upper"), _NUMBER),
        **dict.fromkeys(("p_reached", "p_never", "until"), _NUMBER),
    },
    "comparison": {
        **dict.fromkeys(CELL, _TEXT),
        "at": _NUMBER,
        "unit": _TEXT,
        **dict.fromkeys(("median", "lower", "upper", "p_best", "expected_loss"), _NUMBER),
        "standing": _TEXT,
        "reference": _TEXT,
        **dict.fromkeys(("share", "share_lower", "share_upper", "p_faster"), _NUMBER),
        **dict.fromkeys(("log_speed_up", "log_speed_up_sd"), _NUMBER),
    },
    "failures": dict.fromkeys((*CELL, "question", "reason"), _TEXT),
}
"""Questions, and the columns of their tables."""


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Displayed):
    """Answers about all tasks of a study; tables are read when they are first used.

    Each table is one Parquet file of the folder. Scores are in the unit of each task's data
    (``metric``, ``percent`` and ``lower_is_better`` in `verdicts`). Rows are identified by
    ``source``, ``dataset``, ``model`` and ``strategy``.

    Attributes
    ----------
    folder : pathlib.Path
    """

    folder: Path

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open the folder of a sweep; `DataError` if it holds none."""
        folder = as_path(folder, "folder")
        missing = [name for name in COLUMNS if not (folder / f"{name}.parquet").is_file()]
        if missing:
            raise DataError(f"{folder} holds no sweep: {missing[0]}.parquet is missing")
        return cls(folder)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Cells fitted: size of the data, diagnostics of convergence and misfit, ``trace``."""
        return self._read("verdicts")

    @cached_property
    def forecast(self) -> pd.DataFrame:
        """Forecast of each cell: columns of `palm_bayes.Forecast.to_frame`, by ``scope``."""
        return self._read("forecast")

    @cached_property
    def labels_to_target(self) -> pd.DataFrame:
        """Labels for the ``target``: columns of `palm_bayes.LabelsToReach.table`."""
        return self._read("labels_to_target")

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """Strategies of each task that has several: columns of `palm_bayes.Comparison.ranking`.

        ``share`` is that of `palm_bayes.Comparison.speed_up`; ``log_speed_up`` and its standard
        deviation are those of `palm_bayes.decisions.pairwise.log_speed_up`.
        """
        return self._read("comparison")

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Cells set aside: the ``question`` that has no answer ("fit": none has), ``reason``."""
        return self._read("failures")

    @cached_property
    def judged(self) -> pd.DataFrame:
        """Rows of `comparison` that are pooled: converged, as is the reference of the task."""
        key = self.verdicts[self.verdicts["converged"]][CELL]
        rows = self.comparison.merge(key, on=CELL)
        references = key.rename(columns={"strategy": "reference"})
        rows = rows.merge(references, on=[*_TASK, "reference"])
        usual = rows.drop_duplicates(_TASK)["reference"].mode()  # each task counts once
        return rows[rows["reference"].isin(usual[:1])]

    @property
    def reference(self) -> str:
        """The reference of most tasks, to which `speed_ups` refer; empty if there is none."""
        return str(next(iter(self.judged["reference"]), ""))

    def speed_ups(self, probability: float = 0.9) -> pd.DataFrame:
        """Pool each strategy's speed-up over the reference over tasks.

        Parameters
        ----------
        probability : float
            Probability of the intervals.

        Returns
        -------
        DataFrame
            Index strategy, the fastest first; columns of
            `palm_bayes.evaluation.meta_analysis.Pooled`, of logarithms of speed-ups.
        """
        require_inside(probability, "probability")
        rows = self.judged[self.judged["strategy"] != self.judged["reference"]]
        found = {
            str(name): vars(pooled(part["log_speed_up"], part["log_speed_up_sd"], probability))
            for name, part in rows.groupby("strategy", sort=False)
        }
        table = pd.DataFrame.from_dict(found, orient="index").rename_axis("strategy")
        return table.sort_values("mean", ascending=False) if len(table) else table

    @cached_property
    def p_best(self) -> pd.DataFrame:
        """P(best) of every strategy, one column each, in every task that has several."""
        return self.comparison.pivot_table(
            index=_TASK, columns="strategy", values="p_best", sort=False
        )

    @property
    def winners(self) -> pd.DataFrame:
        """Summarise `p_best` by strategy.

        Returns
        -------
        DataFrame
            Index strategy; ``tasks`` in which it is compared, ``wins`` expected (the sum of its
            P(best)), ``surely`` (P(best) at least 0.9), ``hardly`` (at most 0.1).
        """
        p_best = self.p_best
        table = {
            "tasks": p_best.notna().sum(),
            "wins": p_best.sum(),
            "surely": (p_best >= 0.9).sum(),
            "hardly": (p_best <= 0.1).sum(),
        }
        order = (p_best.sum() / p_best.notna().sum()).sort_values(ascending=False).index
        return pd.DataFrame(table).reindex(order)

    def most_decided(self) -> pd.DataFrame:
        """Return `p_best` of the tasks with the highest values, at most 60, by the task's name."""
        chances = self.p_best[self.winners.index]
        most = chances.max(axis=1).sort_values(ascending=False, kind="stable").index[:_TASKS]
        shown = chances.loc[chances.index.isin(most)]
        return shown.set_axis([*map(path_of, shown.index)])

    def plot_speed_ups(self, ax: "Axes | None" = None, *, probability: float = 0.9) -> "Figure":
        """Draw `speed_ups`, on `ax` if given; see `palm_bayes.plots.sweep.plot_speed_ups`."""
        from palm_bayes.plots.sweep import plot_speed_ups

        return plot_speed_ups(self.speed_ups(probability), self.reference, ax)

    def plot_winners(self, ax: "Axes | None" = None) -> "Figure":
        """Draw `most_decided`, on `ax` if given; see `palm_bayes.plots.sweep.plot_winners`."""
        from palm_bayes.plots.sweep import plot_winners

        return plot_winners(self.most_decided(), ax)

    @property
    def complete(self) -> bool:
        """True if every cell was fitted and converged, and every question answered."""
        return bool(len(self.verdicts) and self.verdicts["converged"].all()) and self.failures.empty

    @property
    def advice(self) -> str:
        """Most frequent advice for cells that did not converge, in one sentence; may be empty."""
        advice = self.verdicts.loc[~self.verdicts["converged"], "advice"].dropna()
        if advice.empty:
            return ""
        kinds = advice.str.replace(r"[\d.,]*\d", "", regex=True)  # equal but for their numbers
        alike = advice[kinds == kinds.mode()[0]]
        of = plural([len(advice)], "cell", "cells")
        return f"Not converged: {len(alike):,} of {of} as this one: {alike.iloc[0]}"

    @property
    def sentence(self) -> str:
        """Numbers of tasks, of cells, and of those to doubt."""
        cells = self.verdicts
        tasks = plural([len(cells[_TASK].drop_duplicates())], "task", "tasks")
        words = f"{plural([len(cells)], 'cell', 'cells')} of {tasks} fitted"
        if len(cells):
            words += f", {100 * cells['converged'].mean():.1f} % converged"
            words += f", {100 * (~cells['described']).mean():.1f} % not described by PALM"
        aside = len(self.failures[CELL].drop_duplicates())
        return f"{words}; {aside} set aside." if aside else f"{words}."

    def _read(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / f"{name}.parquet")

    def _display(self) -> Display:
        what = "Tables: " + ", ".join(COLUMNS)
        return Display(f"{self.sentence}\n{what}", self.winners.reset_index())


def write(folder: Path, parts: Iterable[Columns]) -> None:
    """Join the parts of all tasks to one Parquet file for each question.

    Few rows are held at a time. Existing files are replaced together, when all new ones are
    complete.

    Raises
    ------
    DataError
        If a file cannot be written.
    """
    names = [f"{name}.parquet" for name in COLUMNS]
    with together(folder, names) as drafts, ExitStack() as stack:
        tables = {name: stack.enter_context(closing(_Table(drafts, name))) for name in COLUMNS}
        for part in parts:
            for name, columns in part.items():
                tables[name].add(columns)


class _Table:
    """One Parquet file, written some rows at a time."""

    def __init__(self, folder: Path, name: str) -> None:
        self._schema = pa.schema(COLUMNS[name])
        self._file = parquet.ParquetWriter(folder / f"{name}.parquet", self._schema)
        self._waiting: dict[str, list[Any]] = {column: [] for column in COLUMNS[name]}
        self._rows = 0

    def close(self) -> None:
        """Write the last rows."""
        self._flush()
        self._file.close()

    def add(self, columns: Mapping[str, list[Any]]) -> None:
        """Add rows; a column that they lack is missing there."""
        rows = len(next(iter(columns.values()), []))
        for name, waiting in self._waiting.items():
            waiting.extend(columns.get(name) or [None] * rows)
        self._rows += rows
        if self._rows >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            # NaN is a missing value, as in pandas.
            columns = [
                pa.array(self._waiting[field.name], field.type, from_pandas=True)
                for field in self._schema
            ]
            self._file.write_table(pa.table(columns, self._schema))
        self._waiting = {name: [] for name in self._waiting}
        self._rows = 0


def path_of(names: Iterable[str]) -> str:
    """Join the names of a task or cell; those that its table does not give are empty."""
    return " / ".join(filter(None, names)) or "task"
