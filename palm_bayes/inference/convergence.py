"""Convergence diagnostics of a fit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.display import Display, Displayed
from palm_bayes.errors import ConvergenceError, listed

R_HAT_MOST = 1.01
ESS_LEAST = 400
E_BFMI_LEAST = 0.3
TAIL = 0.89  # ArviZ's default interval, since no verdict may depend on the user's interval


@dataclass(frozen=True, eq=False, repr=False)
class Convergence(Displayed):
    """Convergence diagnostics of each strategy.

    Attributes
    ----------
    table : DataFrame
        Index strategy. ``r_hat`` (largest), ``ess_bulk``, ``ess_tail`` (smallest) over all
        parameters, ``divergences`` (of the batches put together, over all their draws),
        ``e_bfmi`` (smallest over chains), ``attempts`` (batches; 0 where draws of an earlier fit
        were reweighted), ``passed``, and ``advice``: the failed criterion and a remedy, or empty.
    """

    table: pd.DataFrame

    @property
    def passed(self) -> bool:
        """True if every strategy passed."""
        return bool(self.table["passed"].all())

    @property
    def sentence(self) -> str:
        """Summary of the diagnostics in one sentence."""
        how = {
            "needed further sampling": self.table["attempts"] > 1,
            "reweighted from the previous fit": self.table["attempts"] == 0,
        }
        remarks = [f"{listed(self.table.index[of])} {said}" for said, of in how.items() if of.any()]
        in_brackets = f" ({'; '.join(remarks)})" if remarks else ""
        if self.passed:
            least = int(self.table[["ess_bulk", "ess_tail"]].min().min())
            r_hat = self.table["r_hat"].max()
            return (
                f"Converged: R-hat at most {written('r_hat', r_hat)}, "
                f"at least {least} effective draws{in_brackets}."
            )
        short = self.table.loc[~self.table["passed"], "advice"]
        return "Not converged. " + " ".join(f"{name}: {advice}" for name, advice in short.items())

    def require(self) -> None:
        """Raise `ConvergenceError` unless all passed."""
        if not self.passed:
            raise ConvergenceError(self.sentence)

    def _display(self) -> Display:
        return Display(self.sentence, self.table.drop(columns="advice").reset_index())


def diagnose(
    posterior: xr.Dataset, divergences: int, energy_spread: float, weight_error: float = 0.0
) -> dict[str, Any]:
    """Diagnose the fit of one strategy: the columns of `Convergence.table` except ``attempts``.

    `posterior` holds all parameters, and `energy_spread` is their `e_bfmi`. `weight_error`, that of
    `palm_bayes.inference.evidence.Joined`, adds to the Monte-Carlo variance of means and so lowers
    the effective sample size.
    """
    # ArviZ's array functions: for labelled data the overhead exceeds the computation.
    ordered = (
        values.transpose(..., "chain", "draw").to_numpy() for values in posterior.data_vars.values()
    )
    numbers = np.concatenate([draws.reshape(-1, *draws.shape[-2:]) for draws in ordered])
    # A constant, such as a δ rounded to 1, has no diagnostics: `fmax` ignores it.
    with np.errstate(divide="ignore", invalid="ignore"):
        r_hat, *each_ess = (each(numbers) for each in _functions().values())
    least = [float(np.fmin.reduce(ess)) for ess in each_ess]
    ess_bulk, ess_tail = (ess / (1 + ess * weight_error) for ess in least)
    found: dict[str, Any] = {
        "r_hat": float(np.fmax.reduce(r_hat)),
        "ess_bulk": ess_bulk,
        "ess_tail": ess_tail,
        "divergences": divergences,
        "e_bfmi": energy_spread,
    }
    advice = _advice(found)
    return {**found, "passed": not advice, "advice": advice}


def written(column: str, value: float) -> str:
    """Format a number of `Convergence.table`, with the decimals that tell it from its limit."""
    limit = {"r_hat": R_HAT_MOST, "divergences": 0, "e_bfmi": E_BFMI_LEAST}.get(column, ESS_LEAST)
    digits = {"r_hat": 3, "e_bfmi": 2}.get(column, 0)
    while value != limit and round(value, digits) == limit:
        digits += 1
    return f"{value:,.{digits}f}"


def by_number(sampled: xr.Dataset) -> dict[str, xr.Dataset]:
    """Compute ``r_hat``, ``ess_bulk`` and ``ess_tail`` of each number; dims without draws."""
    over = [["chain", "draw"]]
    return {
        name: xr.apply_ufunc(each, sampled, input_core_dims=over)
        for name, each in _functions().items()
    }


def _functions() -> dict[str, Callable[..., Any]]:
    """Return ArviZ's functions of draws whose last dims are (chain, draw), by column."""
    from arviz_stats.base import array_stats

    return {
        "r_hat": array_stats.rhat,
        "ess_bulk": partial(array_stats.ess, method="bulk"),
        "ess_tail": partial(array_stats.ess, method="tail", prob=TAIL),
    }


@np.errstate(divide="ignore", invalid="ignore")  # constant chains have none
def e_bfmi(energy: xr.DataArray) -> float:
    """Compute E-BFMI: mean squared step over variance of the energy, smallest over chains.

    It is meaningless for thinned draws and for draws of several regions.
    """
    from arviz_stats.base import array_stats

    return float(array_stats.bfmi(energy.transpose("chain", "draw").to_numpy()).min())


def _advice(found: dict[str, Any]) -> str:
    """Describe the first failed criterion and a remedy, or return ""; NaN fails."""
    shown = {name: written(name, found[name]) for name in ("r_hat", "e_bfmi")}
    if not np.isfinite(found["r_hat"]):
        return "the chains did not move; check the curve's data."
    if found["divergences"]:
        return (
            f"{found['divergences']} divergent transitions, draws may miss part of the posterior; "
            "raise target_accept, or give a narrower prior."
        )
    if not found["r_hat"] <= R_HAT_MOST:
        return (
            f"R-hat {shown['r_hat']}, the chains disagree; take more draws, and check whether "
            "one repetition differs from the others."
        )
    least = min(found["ess_bulk"], found["ess_tail"])
    if not least >= ESS_LEAST:
        few = written("ess_bulk", least)
        return f"only {few} effective draws of {ESS_LEAST} required; take more draws."
    if not found["e_bfmi"] >= E_BFMI_LEAST:
        return f"E-BFMI {shown['e_bfmi']}, the tails are explored slowly; tune longer."
    return ""
