"""Labels needed for a target: probability at every budget, and ALDA's recommendation."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import Unit, considered, seen_budget, seen_by_strategy, unit_of
from palm_bayes.decisions import alda
from palm_bayes.decisions.doubts import Doubts, doubts_of, with_warning
from palm_bayes.decisions.pairwise import quantiles
from palm_bayes.decisions.trajectories import draw_paths, first_reached, lower_medians
from palm_bayes.display import Display, Displayed, exact_percent, percent
from palm_bayes.errors import DataError, known, number, real, require_inside, whole
from palm_bayes.files import plain_rows

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior
    from palm_bayes.plots.style import Axes, Figure

RunScope = Literal["expected", "new"]


@dataclass(frozen=True, eq=False, repr=False)
class LabelsToReach(Displayed):
    """Posterior of the labels that each strategy needs for a target.

    Attributes
    ----------
    fit : Posterior
    curves, paths : DataArray, dims (sample, strategy, budget)
        Expected curves, and curves that have to reach the target (see `scope`), as fractions at
        whole episodes up to the pool or horizon.
    target : float
        Accuracy to reach, in the user's own scale.
    scope : {"expected", "new"}
        The target must be reached by the expected curve, or by the measured accuracy of a single
        run (of a mean, where data are means), which because of noise may be earlier or later.
    unit : {"labels", "episodes"}
    assurance : float
        Required probability.
    within : float or None
        Budget for which the probability of sufficing is reported.
    half_width, eta : float
        ALDA's Δτ, in the user's own scale, and η.
    probability : float
        Probability of the intervals from ``lower`` to ``upper``.
    sufficing : array, dims (strategy,), optional
        Probability that `within`, whose last batch may be smaller, suffices.
    """

    fit: "Posterior"
    curves: xr.DataArray
    paths: xr.DataArray
    target: float
    scope: RunScope
    unit: Unit
    assurance: float
    within: float | None
    half_width: float
    eta: float
    probability: float
    sufficing: Floats | None = None

    @property
    def until(self) -> float:
        """Last budget considered; larger ones are counted as infinite."""
        return float(self.paths["budget"][-1])

    @cached_property
    def needed(self) -> xr.DataArray:
        """Budget of the first whole episode at the target, dims (sample, strategy).

        It is infinite if past `until`.
        """
        return first_reached(self.paths, self.fit.runs.score.fractions(self.target))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Strategies by assurance budget, the smallest first.

        Returns
        -------
        DataFrame
            ``strategy``; ``budget``, the assurance budget: the smallest that suffices with the
            probability `assurance`; ``median``, ``lower`` and ``upper`` of the budget needed;
            and the probabilities ``p_never`` that it is past `until`, ``p_within`` that `within`
            suffices (NaN without one), and ``p_reached`` that the budget seen suffices. Budgets
            are whole episodes, infinite if past `until`.
        """
        needed = self.needed.transpose("sample", "strategy").to_numpy()
        table = pd.DataFrame(
            {
                "strategy": self.needed["strategy"].to_numpy().astype(object),
                "budget": np.quantile(needed, self.assurance, axis=0, method="inverted_cdf"),
                **quantiles(needed, self.probability),
                "p_never": np.isinf(needed).mean(axis=0),
                "p_within": np.nan if self.sufficing is None else self.sufficing,
                "p_reached": (needed <= seen_budget(self.fit.runs)).mean(axis=0),
            }
        )
        return table.sort_values(["budget", "p_never", "median"], ignore_index=True)

    @property
    def soonest(self) -> float | None:
        """Smallest assurance budget of any strategy, at least the budget seen; None without one.

        A report with a target compares the strategies there.
        """
        least = float(self.table["budget"].min())
        return max(least, seen_budget(self.fit.runs)) if np.isfinite(least) else None

    @property
    def answered(self) -> float:
        """Furthest budget that `sentence` says something about, but for ALDA's rule."""
        return max(self.soonest or self.until, self.within or 0)

    @cached_property
    def chances(self) -> pd.DataFrame:
        """P(target reached by a budget): index budget, one column per strategy."""
        budgets = self.paths["budget"].to_numpy()
        reached = (self.needed <= xr.DataArray(budgets, {"budget": budgets})).mean("sample")
        return pd.DataFrame(reached.transpose("budget", "strategy").to_pandas())

    @cached_property
    def advice(self) -> alda.Advice:
        """ALDA's rule applied to every draw of the expected curves, for any `scope`."""
        return alda.advise(self.curves, *self._rule)

    @property
    def _rule(self) -> tuple[float, float, float]:
        """Arguments of ALDA's rule: τ and Δτ, fractions, and η."""
        score = self.fit.runs.score
        return score.fractions(self.target), self.half_width / score.unit, self.eta

    @cached_property
    def alda(self) -> pd.DataFrame:
        """Posterior of ALDA's rule, the most probable choice first.

        Returns
        -------
        DataFrame
            ``strategy``; ``p_feasible``; ``B_abs`` and ``W``, (lower) medians in labels given that
            it is feasible, NaN if it never is; the probabilities ``p_competitive`` that it is in
            C_η, ``p_risky`` that its W is larger than that of the choice, and ``p_chosen`` that the
            rule chooses it, hence that it is the right choice; ``piloting``, the labels spent on
            pilots of all other strategies, one run each; ``in_all``, their sum with median B_abs.
        """
        advice, runs = self.advice, self.fit.runs
        feasible = advice.needed < np.inf
        pilots = seen_by_strategy(runs)
        table = pd.DataFrame(
            {
                "strategy": list(runs.strategies),
                "p_feasible": feasible.mean("sample").to_numpy(),
                "B_abs": lower_medians(advice.needed.where(feasible)),
                "W": lower_medians(advice.window.where(feasible)),
                "p_competitive": advice.competitive.mean("sample").to_numpy(),
                "p_chosen": advice.chosen.mean("sample").to_numpy(),
                "p_risky": advice.risky.mean("sample").to_numpy(),
                "piloting": (pilots.sum() - pilots).to_numpy(),
            }
        )
        table["in_all"] = table["B_abs"] + table["piloting"]
        by = ["p_chosen", "p_feasible"]
        return table.sort_values(by, ascending=False, ignore_index=True, kind="stable")

    @cached_property
    def point(self) -> pd.DataFrame:
        """ALDA's own result, by least squares; see `palm_bayes.decisions.alda.point_advice`."""
        return alda.point_advice(self.fit.runs, *self._rule)

    @cached_property
    def doubts(self) -> Doubts:
        """Reasons against relying on fits, by strategy."""
        return doubts_of(self.fit)

    @cached_property
    def sentence(self) -> str:
        """Smallest assurance budget and ALDA's choice; begins with a warning if in doubt."""
        return with_warning(self.doubts, self._said())

    def _said(self) -> str:
        rows: list[Any] = list(self.table.itertuples(index=False))
        best, goal = rows[0], f"{self.goal} ({self._curve})"
        level, seen, who = exact_percent(self.assurance), seen_budget(self.fit.runs), best.strategy
        by, today = f"by {min(best.budget, self.until):,.0f} {self.unit}", f"today ({seen:,.0f}"
        ever, now = percent(1 - best.p_never), percent(best.p_reached)
        if np.isinf(best.budget) and len(rows) == 1:
            words = f"{who} reaches {goal} {by} with {ever} probability ({level} required)."
        elif np.isinf(best.budget):
            words = f"No strategy reaches {goal} {by} with {level} probability: most probable is "
            words += f"{who}, {ever}."
        elif best.budget <= seen:
            words = f"{who} has reached {goal} {today} {self.unit}) with {now} probability."
        else:
            words = f"{who} reaches {goal} {by} with {level} probability, {today} {self.unit}) "
            words += f"with {now}."
        if self.within is not None:
            chance = percent(best.p_within)
            words += f" {self.within:,.0f} {self.unit} suffice with {chance} probability."
        return words + self._advice_sentence() if len(rows) > 1 else words

    @property
    def _curve(self) -> str:
        return "the expected curve" if self.scope == "expected" else self.fit.runs.single

    @property
    def goal(self) -> str:
        """Target in words, with the name of the score unless it is an accuracy."""
        return self.fit.runs.score.named(self.target)

    def span(self, row: Any) -> str:
        """Format median and interval of a row of `table`: "400 [360 to 480]"."""
        middle, low, high = map(self.count, (row.median, row.lower, row.upper))
        return f"{middle} [{low} to {high}]"

    def count(self, budget: float) -> str:
        """Format a budget; one past `until` is ">960"."""
        return f"{budget:,.0f}" if np.isfinite(budget) else f">{self.until:,.0f}"

    def _advice_sentence(self) -> str:
        best: Any = next(self.alda.itertuples(index=False))
        if best.p_chosen == 0:
            return " ALDA's rule finds no strategy feasible."
        chance = percent(best.p_chosen)
        return f" ALDA's rule recommends {best.strategy}, right with {chance} probability."

    def document(self) -> dict[str, Any]:
        """Return all results in the types of JSON; infinite and missing numbers are None."""
        values = (
            *("sentence", "target", "scope", "unit", "until", "within"),
            *("assurance", "eta", "probability", "doubts"),
        )
        return {name: getattr(self, name) for name in values} | {
            "seen": seen_budget(self.fit.runs),
            "delta_target": self.half_width,
            "strategies": plain_rows(self.table),
            "alda": plain_rows(self.alda),
        }

    def _display(self) -> Display:
        return Display(self.sentence, self.table.astype(object).replace(np.inf, self.count(np.inf)))

    def plot(self, ax: "Axes | None" = None) -> "Figure":
        """Draw the chances, on `ax` if given; see `palm_bayes.plots.budget.plot_budget`."""
        from palm_bayes.plots.budget import plot_budget

        budgets = self.table.set_index("strategy")["budget"]
        return plot_budget(
            self.chances, budgets, assurance=self.assurance, seen=seen_budget(self.fit.runs),
            unit=self.unit, title=f"{self._curve.capitalize()} has reached {self.goal}", ax=ax,
        )  # fmt: skip


def labels_to_reach(
    fit: "Posterior",
    target: float | str,
    *,
    assurance: float = 0.8,
    within: float | None = None,
    until: float | None = None,
    scope: RunScope = "expected",
    delta_target: float | str | None = None,
    eta: float = alda.ETA,
    probability: float = 0.9,
    seed: int = 0,
) -> LabelsToReach:
    """Estimate how many labels each strategy needs for a target.

    Budgets are labels, or episodes where labels are unknown; accuracies are in the scale of
    the data.

    Parameters
    ----------
    fit : Posterior
    target : float or str
        Accuracy to reach, or percent as "93%".
    assurance : float
        Probability with which the budget must suffice, in (0, 1).
    within : float, optional
        Budget for which the probability of sufficing is reported.
    until : float, optional
        Size of the pool, or largest budget to consider. By default four times the budget seen.
    scope : {"expected", "new"}
        The target must be reached by the expected curve, or by the measured accuracy of a single
        run (of a mean of as many runs, where data are means).
    delta_target : float or str, optional
        ALDA's Δτ, or points as "5%", which is the default; see `palm_bayes.decisions.alda`.
    eta : float
        ALDA's η.
    probability : float
        Probability of the intervals in tables.
    seed : int

    Returns
    -------
    LabelsToReach

    Raises
    ------
    DataError
        If the target is no number or outside the scale, a budget is below the labels spent, or
        `within` is above `until`, or another value is not allowed.
    """
    runs, unit, seen = fit.runs, unit_of(fit.runs), seen_budget(fit.runs)
    goal = runs.score.target(target)
    known([scope], get_args(RunScope), "scope")
    whole(seed, "seed", 0)
    require_inside(assurance, "assurance")
    require_inside(probability, "probability")
    within, until = (
        None if budget is None else real(budget, name)
        for name, budget in (("within", within), ("until", until))
    )
    for name, budget in (("within", within), ("until", until)):
        if budget is not None and not seen <= budget < np.inf:
            raise DataError(
                f"{name} is {number(budget)}, but must be at least the {number(seen)} {unit} seen"
            )
    if within is not None and until is not None and within > until:
        raise DataError(f"within is {number(within)}, but must be at most until, {number(until)}")
    given = runs.score.sizes(alda.HALF_WIDTH) if delta_target is None else delta_target
    half_width = runs.score.difference(given, "delta_target")
    if not 0 <= real(eta, "eta") < np.inf:
        raise DataError(f"eta is {eta:g}, but must be at least 0")
    budgets = considered(runs, within, until)
    every = budgets if within is None else np.union1d(budgets, [within])
    curves = draw_paths(fit, every)
    paths = curves if scope == "expected" else draw_paths(fit, every, scope, seed)
    needed = first_reached(paths.sel(budget=slice(None, within)), runs.score.fractions(goal))
    chance = None if within is None else (needed < np.inf).mean("sample").to_numpy()
    curves, paths = (part.sel(budget=budgets) for part in (curves, paths))
    return LabelsToReach(
        fit, curves, paths, goal, scope, unit, float(assurance), within, half_width, float(eta),
        float(probability),
        chance,
    )  # fmt: skip
