"""`Backtest`: tables of a backtest, and their summary in one sentence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from palm_bayes.data.quantiles import QUANTILE_NAMES
from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.data.validation import CELL
from palm_bayes.display import Display, Displayed
from palm_bayes.errors import plural
from palm_bayes.evaluation.cells import means_by_episode
from palm_bayes.evaluation.checkpoints import SETTINGS, require_own
from palm_bayes.evaluation.scores import SCORES, inside
from palm_bayes.files import (
    KINDS,
    Look,
    as_look,
    as_path,
    check_files,
    csv_text,
    put_all,
    text_file,
)
from palm_bayes.forecast.baselines import NAMES
from palm_bayes.reading.read import reading_notes
from palm_bayes.scratch import tidy

if TYPE_CHECKING:
    from palm_bayes.plots.style import Axes, Figure
KEY = [*CELL, "train_episodes"]
SCOPES = {"mean": " of the means over repetitions", "repetition": " of single repetitions"}
HELD = 0.72  # least coverage for trusting an 80 % band, a tenth below nominal
_FEW = 25  # curves: of fewer, a share of 80 % varies by chance by more than a tenth of it
_ONE_SIZE = 1.1  # batches whose ratio is smaller count as equal
_TABLES = ("forecasts", "scores", "baselines")
_FIGURES = [Path(f"backtest.{kind}") for kind in KINDS]

COLUMNS = {
    "forecasts": [
        *[*KEY, "scope", "repetition", "episode", "labels", "observed", "mean"],
        *QUANTILE_NAMES,
    ],
    "baselines": [*KEY, "episode", "labels", "observed", *NAMES],
    "scores": [*KEY, "scope", "third", "forecaster", "n", *SCORES, "passed", "described", "reason"],
}
"""Tables of a backtest and their columns."""


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Displayed):
    """Results of forecasting curves from their first episodes. All scores are fractions.

    Attributes
    ----------
    forecasts : DataFrame
        One row per cell (``source``, ``dataset``, ``model``, ``strategy``), ``train_episodes``,
        ``scope`` ("mean" over the repetitions that have the episode; each "repetition"),
        ``repetition`` (empty for the mean) and future ``episode``: ``labels``, ``observed``, and
        the forecast's ``mean`` and quantiles ``q2.5`` to ``q97.5``.
    baselines : DataFrame
        Point forecasts of the means by `palm_bayes.forecast.baselines`, one column each.
    scores : DataFrame
        One row per cell, ``train_episodes``, ``scope``, ``third`` of the horizon ("all", "first",
        "second", "last") and ``forecaster`` ("palm_bayes" or a baseline): ``n`` forecasts,
        ``crps``, ``log_score``, ``mae`` (of the median), ``coverage_50``, ``coverage_80``,
        ``coverage_95``, ``width_80``, ``passed`` (the fit converged) and ``described`` (the fit
        passed the predictive check). A cell that could not be scored is one row with its
        ``reason``; a cell fitted without the other strategies of its task also has a reason.
    observed : DataFrame
        Mean curves: ``source`` to ``strategy``, ``episode``, ``labels``, ``accuracy``.
    notes : tuple of str
        How the data were read.
    score : Score
        Name and direction of the scores. Errors are errors in `forecasts`, `baselines` and
        `observed`, too.
    """

    forecasts: pd.DataFrame
    baselines: pd.DataFrame
    scores: pd.DataFrame
    observed: pd.DataFrame
    notes: tuple[str, ...] = ()
    score: Score = field(default_factory=Score)

    @classmethod
    def joined(
        cls,
        parts: Sequence[Mapping[str, pd.DataFrame]],
        cells: Iterable[tuple[Sequence[str], Runs]],
    ) -> Self:
        """Concatenate the tables of single cells; `cells` are their keys and all their runs."""
        tables, cells = {name: _table(name, parts) for name in COLUMNS}, list(cells)
        curves = [
            means_by_episode(runs.table).assign(**dict(zip(CELL, key, strict=True)))
            for key, runs in cells
        ]
        observed = pd.concat(curves, ignore_index=True)[[*CELL, "episode", "labels", "accuracy"]]
        score = replace(cells[0][1].score, percent=False) if cells else Score()
        for table, columns in (
            (observed, ["accuracy"]),
            (tables["forecasts"], ["observed", "mean", *QUANTILE_NAMES]),
            (tables["baselines"], ["observed", *NAMES]),
        ):
            table[columns] = score.values(table[columns].astype(float))
        if score.lower_is_better:
            turned = tables["forecasts"][QUANTILE_NAMES[::-1]].to_numpy()
            tables["forecasts"][QUANTILE_NAMES] = turned
        notes = reading_notes(runs for _, runs in cells)
        return cls(**tables, observed=observed, notes=notes, score=score)

    @property
    def failed(self) -> pd.DataFrame:
        """Cells that could not be scored: keys and ``reason``."""
        rows = self.scores.loc[self.scores["n"] == 0, [*KEY, "reason"]]
        return rows.reset_index(drop=True)

    @property
    def fits(self) -> pd.DataFrame:
        """One row per fit: key, ``passed`` (converged) and ``described``."""
        own = self.scores[self.scores["forecaster"] == "palm_bayes"]
        return own.drop_duplicates(KEY)[[*KEY, "passed", "described"]].reset_index(drop=True)

    @property
    def overview(self) -> pd.DataFrame:
        """Scores of the mean over repetitions, every forecast with the same weight.

        Returns
        -------
        DataFrame
            Index forecaster; ``crps``, ``mae``, ``coverage_50``, ``coverage_80``, ``coverage_95``.
        """
        rows = self.scores[(self.scores["scope"] == "mean") & (self.scores["third"] == "all")]
        names = ["crps", "mae", "coverage_50", "coverage_80", "coverage_95"]
        sums = rows[names].mul(rows["n"], axis=0).groupby(rows["forecaster"], sort=False)
        total = rows.groupby("forecaster", sort=False)["n"].sum()
        return sums.sum(min_count=1).div(total, axis=0)

    @cached_property
    def by_distance(self) -> pd.DataFrame:
        """Coverage of the 80 % bands by forecast distance.

        Returns
        -------
        DataFrame
            Index ``ahead`` (episodes past the training ones); for each scope ``n``, ``held`` (the
            share of observations inside the band) and ``held_near``, the same over the distances
            from above half of it up to it, since a single distance has few forecasts. ``n`` is 0
            at distances without an observation; there are no rows without forecasts.
        """
        if self.forecasts.empty:
            columns = pd.MultiIndex.from_product([["n", "held", "held_near"], SCOPES])
            return pd.DataFrame(columns=columns, dtype=float).rename_axis("ahead")
        ahead = self.forecasts["episode"] - self.forecasts["train_episodes"]
        hits = inside(self.forecasts, 80).groupby([ahead.rename("ahead"), self.forecasts["scope"]])
        counts = hits.agg(["sum", "size"]).unstack("scope", fill_value=0)
        counts = counts.reindex(range(1, int(ahead.max()) + 1), fill_value=0).rename_axis("ahead")
        total = counts.cumsum()
        half = total.reindex(counts.index // 2, fill_value=0).set_axis(counts.index)
        near = total - half
        table = {
            ("n", scope): counts["size", scope] for scope in self.forecasts["scope"].unique()
        } | {
            (name, scope): part["sum", scope] / part["size", scope]
            for scope in self.forecasts["scope"].unique()
            for name, part in (("held", counts), ("held_near", near))
        }
        return pd.DataFrame(table)

    @cached_property
    def reach(self) -> int:
        """Episodes ahead up to which the 80 % bands are reliable for both scopes; 0 if nowhere.

        At every observed distance up to it, ``held_near`` of `by_distance` is at least 72 %.
        """
        observed = self.by_distance[(self.by_distance[["n"]] > 0).all(axis=1)]
        held = (observed[["held_near"]] >= HELD).all(axis=1).astype(int).cumprod()
        return int(held.index[held == 1].max()) if held.any() else 0

    @property
    def sentence(self) -> str:
        """Measured distance up to which forecasts of these curves are reliable."""
        if self.forecasts.empty:
            return "No cell could be scored."
        curves = len(self.forecasts[CELL].drop_duplicates())
        if curves >= _FEW:
            return self._said()
        points = 100 * np.sqrt(0.8 * 0.2 / curves)
        only = plural([curves], "curve", "curves")
        return (
            f"{self._said()} This is measured on {only} only: by chance alone, such a share varies "
            f"by about {points:.0f} points."
        )

    def _said(self) -> str:
        ahead = self.forecasts["episode"] - self.forecasts["train_episodes"]
        first, far = int(ahead.min()), int(ahead.max())
        if not self.reach:
            nearest = "One episode" if first == 1 else f"{first} episodes"
            return (
                f"{nearest} ahead the 80 % bands held {self._held(ahead == first)}, overall "
                f"{self._held(ahead > 0, short=True)}: do not rely on them for these curves."
            )
        near = plural([self.reach], "episode", "episodes")
        held = f"the 80 % bands held {self._held(ahead <= self.reach)}"
        if self.reach == far:
            return f"To the end of these curves, {near} ahead{self._labels()}, {held}."
        least = self.by_distance["held_near"].loc[self.reach + 1 :].min()
        return (
            f"Up to {near} ahead{self._labels()} {held}; further ahead, up to {far} episodes, at "
            f"some distances only {_percentages(least, short=True)}: do not rely on them there."
        )

    def _display(self) -> Display:
        return Display(self.sentence, self.overview.reset_index())

    def _held(self, rows: "pd.Series[bool]", *, short: bool = False) -> str:
        """Format the coverage of the 80 % bands for some forecasts, by scope."""
        held = inside(self.forecasts[rows], 80).groupby(self.forecasts["scope"]).mean()
        return _percentages(held, short=short)

    def _labels(self) -> str:
        """Format the labels of `reach`, " (120 labels)", if all batches are alike."""
        judged = self.observed.merge(self.fits[CELL].drop_duplicates(), on=CELL)
        steps = judged.groupby(CELL)[["labels", "episode"]].diff()
        each = steps["labels"] / steps["episode"]  # episodes may be missing
        batches = each.groupby([judged[name] for name in CELL]).median()
        if batches.isna().any() or batches.max() > _ONE_SIZE * batches.min():
            return ""
        return f" ({self.reach * batches.median():.0f} labels)"

    def plot(self) -> "Figure":
        """Draw coverage against nominal, error against horizon, and the worst cells.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from palm_bayes.plots.backtest import plot_backtest

        tables = (self.forecasts, self.baselines, self.scores, self.observed)
        return plot_backtest(*tables, self.sentence, self.score)

    def plot_coverage(self, ax: "Axes | None" = None, *, scope: str = "mean") -> "Figure":
        """Draw observed against nominal coverage, of the ``mean`` or of a single ``repetition``."""
        from palm_bayes.plots.backtest import plot_coverage

        return plot_coverage(self.scores, scope, ax)

    def plot_errors(self, ax: "Axes | None" = None) -> "Figure":
        """Draw the mean absolute error by episodes ahead, also of the baselines."""
        from palm_bayes.plots.backtest import plot_errors

        return plot_errors(self.forecasts, self.baselines, ax)

    def write(self, out: str | Path, look: Look | None = None) -> list[Path]:
        """Write ``forecasts.csv``, ``scores.csv``, ``baselines.csv`` and ``backtest.png``.

        Parameters
        ----------
        out : path
            Created if needed.
        look : Look, optional
            Look and format of the figure.

        Returns
        -------
        list of pathlib.Path
            The files. `DataError` if the folder is not writable.
        """
        files: dict[Path, Any] = {
            Path(f"{name}.csv"): text_file(csv_text(getattr(self, name))) for name in _TABLES
        }
        if len(self.forecasts):
            from palm_bayes.plots.style import drawing

            look = as_look(look)
            files[Path(f"backtest.{look.kind}")] = drawing(look, self.plot)
        # One in another format may be the user's own.
        return put_all(as_path(out, "out"), files, lambda: _FIGURES[:1])


def check_backtest_folder(out: Path, *, fresh: bool) -> None:
    """Raise `DataError` if a backtest cannot be written to `out`.

    Unless `fresh`, also if a file of these names is there without the cells of a backtest.
    """
    tidy(out)
    names = [*(Path(f"{name}.csv") for name in _TABLES), *_FIGURES]
    check_files(out, [*names, Path("cells", SETTINGS)])
    require_own(out, names, "cells", of="backtest", fresh=fresh)


def _table(name: str, parts: Sequence[Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Concatenate the parts that have the table; missing text is empty."""
    texts = {"scope", "third", "forecaster", "reason"}.intersection(COLUMNS[name])
    frames = [
        part[name].assign(**dict.fromkeys(texts.difference(part[name]), ""))
        for part in parts
        if name in part
    ]
    joined = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return joined.reindex(columns=COLUMNS[name])


def _percentages(shares: "pd.Series[Any]", *, short: bool) -> str:
    """Format a share of each scope, followed by its words unless `short`."""
    words = dict.fromkeys(SCOPES, "") if short else SCOPES
    return " and ".join(f"{100 * shares[name]:.0f} %{of}" for name, of in words.items())
