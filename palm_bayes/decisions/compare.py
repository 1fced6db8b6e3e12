"""Comparison of strategies at a budget and over a range of budgets.

All results are computed from one set of draws of whole curves (`Comparison.paths`), so that tables,
sentence and figure agree.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import Unit, episode_budgets, twice_seen, unit_of
from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.decisions import pairwise
from palm_bayes.decisions.doubts import Doubts, doubts_of, with_warning
from palm_bayes.decisions.trajectories import draw_paths, first_reached
from palm_bayes.display import Display, Displayed, percent
from palm_bayes.errors import DataError, known, number, plural, real, require_inside
from palm_bayes.files import plain_rows
from palm_bayes.inference.partial_pooling import shared_noise

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior
    from palm_bayes.plots.style import Figure

ROPE = 0.01  # one accuracy point


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Displayed):
    """Comparison of the strategies of one fit at a budget.

    Attributes
    ----------
    paths : DataArray, dims (sample, strategy, budget)
        Expected curves as fractions, from the first episode to the end of the range, `at` among
        the budgets: joint draws of all strategies, as in `PalmFit.forecast`.
    at : float
        The budget of the comparison, in `unit`.
    unit : {"labels", "episodes"}
    rope : float
        Largest difference of practical equivalence, in the user's own scale (Kruschke 2018).
    reference : str
        Strategy relative to which `speed_up` is measured.
    runs : Runs
    probability : float
        Probability of the central intervals from ``lower`` to ``upper`` in all tables.
    doubts : dict of str to tuple of str
        Reasons against relying on fits, by strategy; see `palm_bayes.decisions.doubts`.
    seen : float
        Last budget observed for any strategy: today's.
    """

    paths: xr.DataArray
    at: float
    unit: Unit
    rope: float
    reference: str
    runs: Runs
    probability: float
    doubts: Doubts
    seen: float

    @property
    def strategies(self) -> list[str]:
        """Names of the strategies."""
        return [str(name) for name in self.paths["strategy"].to_numpy()]

    @property
    def until(self) -> float:
        """Budget at the end of the range."""
        return float(self.paths["budget"][-1])

    @property
    def score(self) -> Score:
        """Converts fractions to the user's values."""
        return self.runs.score

    @cached_property
    def shared(self) -> float:
        """Lower bound of the correlation of the strategies' noise; see `shared_noise`."""
        return shared_noise(self.runs)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Strategies by expected loss, the best first.

        Returns
        -------
        DataFrame
            ``strategy``; ``median``, ``lower`` and ``upper`` of its accuracy at the budget;
            ``p_best``, the probability that it is the best; ``expected_loss``, the mean accuracy
            lost by choosing it; ``standing``: "first", or relative to the first "equivalent",
            P(equal within the ROPE) ≥ 0.9, "ruled out", P(worse by more) ≥ 0.9, or "not ruled
            out". Accuracies in the user's own scale.
        """
        here = self._here()
        columns = {
            "strategy": self.strategies,
            **self._summary(self.score.values(here)),
            "p_best": pairwise.best(here).mean("sample"),
            "expected_loss": self.score.sizes(pairwise.loss(here).mean("sample")),
        }
        table = pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})
        table = table.sort_values("expected_loss", ignore_index=True, kind="stable")
        ahead = here.sel(strategy=table["strategy"][0]) - here.sel(strategy=list(table["strategy"]))
        standing = pairwise.standing(self.score.sizes(ahead), self.rope)
        return table.assign(standing=["first", *standing[1:]])

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """All ordered pairs at the budget.

        Returns
        -------
        DataFrame
            ``strategy``, ``other``; ``p_better`` and ``p_worse`` by more than the ROPE and
            ``p_equal`` within it, which sum to 1; ``p_above``, the probability of any
            advantage; ``median``, ``lower`` and ``upper`` of strategy − other, in the user's own
            scale.
        """
        here = self._here()
        of = {name: here.sel(strategy=name).to_numpy() for name in self.strategies}
        rows = []
        for one, other in permutations(self.strategies, 2):
            difference = of[one] - of[other]
            shares = pairwise.shares(self.score.sizes(difference), self.rope)
            columns = pairwise.quantiles(self.score.differences(difference), self.probability)
            summary = {name: float(value) for name, value in columns.items()}
            rows.append({"strategy": one, "other": other, **shares, **summary})
        return pd.DataFrame(rows, columns=pairwise.PAIRS)

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """P(row above column) at the budget, NaN on the diagonal, in order of the ranking."""
        order = list(self.ranking["strategy"])
        square = self.pairs.pivot_table(index="strategy", columns="other", values="p_above")
        return square.reindex(index=order, columns=order).rename_axis(columns="above")

    @cached_property
    def along(self) -> pd.DataFrame:
        """``p_best`` and ``expected_loss`` as in `ranking`, by budget and strategy, over the range.

        Returns
        -------
        DataFrame
            ``budget`` (see `unit`), ``strategy``, ``future`` (past the strategy's data),
            ``p_best``, ``expected_loss``.
        """
        best = pairwise.best(self.paths).mean("sample")
        loss = self.score.sizes(pairwise.loss(self.paths).mean("sample"))
        tables = xr.Dataset({"p_best": best, "expected_loss": loss})
        frame = tables.transpose("budget", "strategy").to_dataframe().reset_index()
        return frame[["budget", "strategy", "future", "p_best", "expected_loss"]]

    @cached_property
    def crossings(self) -> pd.DataFrame:
        """Probability and budget of each strategy overtaking another within the range.

        A strategy overtakes another if it is behind by more than the ROPE at some budget and ahead
        by more than the ROPE at the end of the range. Its budget is that of the last crossing.

        Returns
        -------
        DataFrame
            ``strategy`` (behind, then ahead), ``other``, ``p_overtakes``; ``median``, ``lower``
            and ``upper`` of the budget, given that it overtakes; NaN if it never does.
        """
        rows = []
        for one, other in permutations(self.strategies, 2):
            lead = self.paths.sel(strategy=one) - self.paths.sel(strategy=other)
            share, places = pairwise.overtaking(self.score.sizes(lead), self.rope)
            where = pairwise.quantiles(places, self.probability)
            rows.append({"strategy": one, "other": other, "p_overtakes": share, **where})
        return pd.DataFrame(rows, columns=pairwise.CROSSINGS)

    @cached_property
    def area(self) -> pd.DataFrame:
        """Mean accuracy up to the budget: the area under the curve, per label.

        Returns
        -------
        DataFrame
            ``strategy``; ``median``, ``lower`` and ``upper`` of the area from the first episode
            to the budget, divided by its width, in the user's own scale; ``p_best``.
        """
        mean = pairwise.mean_until(self.paths, self.at)
        columns = self._summary(self.score.values(mean))
        columns["p_best"] = pairwise.best(mean).mean("sample").to_numpy()
        return pd.DataFrame({"strategy": self.strategies, **columns})

    @cached_property
    def speed_up(self) -> pd.DataFrame:
        """Share of the budget that a strategy needs for the reference's accuracy at the budget.

        Returns
        -------
        DataFrame
            ``strategy``; ``median``, ``lower`` and ``upper`` of labels / `at`, which is below 1
            for a faster strategy and infinite past the end of the range; ``p_faster``, the
            probability that it is below 1. Without the reference itself.
        """
        target = self._here().sel(strategy=self.reference, drop=True)
        others = [name for name in self.strategies if name != self.reference]
        needed = first_reached(self.paths.sel(strategy=others), target, between=True) / self.at
        faster = (needed < 1).mean("sample").to_numpy()
        return pd.DataFrame({"strategy": others, **self._summary(needed), "p_faster": faster})

    @cached_property
    def sentence(self) -> str:
        """Ranking and speed-up of the best in words; begins with a warning if there are doubts."""
        return with_warning(self.doubts, self._said())

    def _said(self) -> str:
        rows: list[Any] = list(self.ranking.itertuples(index=False))
        first, standings = rows[0], {row.strategy: row.standing for row in rows[1:]}
        if not standings:
            level = self.score.written(first.median) + " %" * self.score.percent
            return f"{self.where} {first.strategy}, the only strategy, is at {level}."
        points, rope = " points" * self.score.percent, self.rope
        near = plural([rope], "point", "points") if points else f"{rope:g}"
        return (
            f"{self.where} {first.strategy} comes first: it is best with {percent(first.p_best)} "
            f"probability, expected loss {self.score.written_size(first.expected_loss)}{points}"
            f"{pairwise.others_in_words(standings, near)}."
            f"{self._speed_sentence(first.strategy)}{self._today_sentence()}"
        )

    @property
    def where(self) -> str:
        """The budget in words: "At 500 labels", or "Today (240 labels)"."""
        here = f"{self.at:,.0f} {self.unit}"
        return f"Today ({here})" if self.at == self.seen else f"At {here}"

    def _today_sentence(self) -> str:
        if self.at <= self.seen:
            return ""
        now = pairwise.best(self.paths.sel(budget=self.seen)).mean("sample").to_series()
        where, chance = f"Today ({self.seen:,.0f} {self.unit})", percent(now.max())
        return f" {where} {now.idxmax()} is best with {chance} probability."

    def share(self, strategy: str) -> str:
        """Format a strategy's row of `speed_up`: "62 % [48-77]"."""
        known([strategy], self.speed_up["strategy"], "row of speed_up")
        row: Any = self.speed_up.set_index("strategy").loc[strategy, [*pairwise.QUANTILES]]
        middle, low, high = row.to_numpy(float)
        return pairwise.share_in_words(middle, low, high, self.until / self.at)

    def _speed_sentence(self, best: str) -> str:
        if best == self.reference:
            return ""
        level = f"{self.reference}'s {self.score.metric}"
        return f" {best} reaches {level} with {self.share(best)} of its {self.unit}."

    def document(self) -> dict[str, Any]:
        """Return all results in the types of JSON; infinite and missing numbers are None."""
        values = (
            *("sentence", "at", "seen", "unit", "until"),
            *("rope", "reference", "shared", "probability", "doubts"),
        )
        tables = ("ranking", "pairs", "crossings", "area", "speed_up", "along")
        rows = {name: plain_rows(getattr(self, name)) for name in tables}
        return {name: getattr(self, name) for name in values} | rows

    def plot(self, axes: Any = None) -> "Figure":
        """Draw it, on two `axes` if given; see `palm_bayes.plots.ranking.plot_ranking`."""
        from palm_bayes.plots.ranking import plot_ranking

        order = list(self.ranking["strategy"])
        behind = self.pairs[self.pairs["other"] == order[0]].set_index("strategy")
        along = self.along.pivot_table(index="budget", columns="strategy", values="p_best")
        later = self.along["future"]
        return plot_ranking(
            behind[[*pairwise.QUANTILES]].reindex(order, fill_value=0.0),
            along[self.strategies], axes=axes,
            at=self.at, seen=self.along.loc[~later, "budget"].max() if later.any() else None,
            unit=self.unit, rope=self.rope, score=self.score, probability=self.probability,
        )  # fmt: skip

    def _display(self) -> Display:
        return Display(self.sentence, self.ranking)

    def _here(self) -> xr.DataArray:
        return self.paths.sel(budget=self.at, drop=True).drop_vars("future")

    def _summary(self, values: xr.DataArray) -> dict[str, Floats]:
        return pairwise.quantiles(values.transpose("sample", ...).to_numpy(), self.probability)


def compare(
    fit: "Posterior",
    at: float | None = None,
    *,
    until: float | None = None,
    rope: float | str | None = None,
    reference: str | None = None,
    probability: float = 0.9,
) -> Comparison:
    """Compare the strategies' expected curves.

    Parameters
    ----------
    fit : Posterior
    at : float, optional
        Budget: labels, or episodes where labels are unknown; by default the last observed one.
    until : float, optional
        Budget at the end of the range; by default twice the observed episodes, or `at`.
    rope : float or str, optional
        Largest difference of practical equivalence, or points as "1%"; by default one point.
    reference : str, optional
        Strategy for speed-ups; by default "random", else the lowest at `at`.
    probability : float
        Probability of the intervals in tables.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If a budget lies before the data, or another value is not allowed.
    """
    runs, unit = fit.runs, unit_of(fit.runs)
    seen = episode_budgets(runs, 0)
    here = float(seen[-1]) if at is None else real(at, "at")
    if not seen[0] <= here < np.inf:
        least = f"the first {unit} seen: {number(seen[0])}"
        raise DataError(f"at is {number(here)}, but must be at least {least}")
    end = max(here, twice_seen(runs)) if until is None else real(until, "until")
    if not here <= end < np.inf:
        least = f"the budget compared at: {number(here)}"
        raise DataError(f"until is {number(end)}, but must be at least {least}")
    margin = runs.score.sizes(ROPE) if rope is None else runs.score.difference(rope, "rope")
    require_inside(probability, "probability")
    if reference is not None:
        known([reference], runs.strategies, "strategy")
    budgets = np.union1d(episode_budgets(runs, end), [here])
    paths = draw_paths(fit, budgets)
    lowest = paths.sel(budget=here).mean("sample").idxmin("strategy").item()
    named = (name for name in runs.strategies if name.casefold() == "random")
    chosen, doubts = reference or next(named, lowest), doubts_of(fit)
    level, last = float(probability), float(seen[-1])
    return Comparison(paths, here, unit, margin, chosen, runs, level, doubts, last)
