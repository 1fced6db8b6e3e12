"""The convergence verdict that travels with every fit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from palm_bayes.errors import ConvergenceError, listed

R_HAT_MOST = 1.01
ESS_LEAST = 400
E_BFMI_LEAST = 0.3
TAIL = 0.89  # ArviZ's own interval; not the user's, on which no verdict may depend


@dataclass(frozen=True, eq=False)
class Convergence:
    """Whether NUTS has converged, strategy by strategy.

    Attributes
    ----------
    table : DataFrame
        Index strategy. ``r_hat`` (largest), ``ess_bulk``, ``ess_tail`` (smallest) over all
        parameters, ``divergences`` (over all draws made), ``e_bfmi`` (smallest over chains),
        ``attempts`` (0 where the draws of an earlier fit were weighed), ``passed``, and
        ``advice``: what falls short and what to do, or empty.
    """

    table: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether every strategy passed."""
        return bool(self.table["passed"].all())

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        how = {
            "at the second try, with smaller steps": self.table["attempts"] > 1,
            "from draws of the fit before": self.table["attempts"] == 0,
        }
        told = [f"{listed(self.table.index[of])} {said}" for said, of in how.items() if of.any()]
        retold = f" ({'; '.join(told)})" if told else ""
        if self.passed:
            least = int(self.table[["ess_bulk", "ess_tail"]].min().min())
            r_hat = self.table["r_hat"].max()
            return (
                f"Converged: R-hat at most {r_hat:.3f}, at least {least} effective draws{retold}."
            )
        short = self.table.loc[~self.table["passed"], "advice"]
        return "Not converged. " + " ".join(f"{name}: {advice}" for name, advice in short.items())

    def require(self) -> None:
        """Raise `ConvergenceError` unless all passed."""
        if not self.passed:
            raise ConvergenceError(self.sentence)


def diagnose(
    posterior: xr.Dataset, divergences: int, energy_spread: float, weight_error: float = 0.0
) -> dict[str, Any]:
    """Diagnose the fit of one strategy: the columns of `Convergence.table`, but for ``attempts``.

    Parameters
    ----------
    posterior : Dataset, dims (chain, draw, ...)
        All parameters.
    divergences : int
        Divergent transitions after tuning.
    energy_spread : float
        `e_bfmi`, the smallest over chains.
    weight_error : float
        Where regions are joined, the variance of their weights
        (`palm_bayes.inference.evidence.Joined`); by so much the means vary beside what the draws
        tell, as if there were fewer draws.
    """
    # ArviZ's functions of bare arrays: those of labelled ones cost more than what they compute.
    numbers = np.concatenate([_by_number(values) for values in posterior.data_vars.values()])
    # A number that stands still, such as a δ rounded to 1, has none: `fmax` passes it over.
    with np.errstate(divide="ignore", invalid="ignore"):
        found: dict[str, Any] = {
            "r_hat": float(np.fmax.reduce(array_stats.rhat(numbers))),
            "ess_bulk": _fewer(array_stats.ess(numbers, method="bulk"), weight_error),
            "ess_tail": _fewer(array_stats.ess(numbers, method="tail", prob=TAIL), weight_error),
            "divergences": divergences,
            "e_bfmi": energy_spread,
        }
    advice = _advice(found)
    return {**found, "passed": not advice, "advice": advice}


def _fewer(ess: NDArray[np.float64], weight_error: float) -> float:
    """Smallest effective number of draws, as if uncertain weights had taken some away."""
    least = float(np.fmin.reduce(ess))
    return least / (1 + least * weight_error)


def _by_number(values: xr.DataArray) -> NDArray[np.float64]:
    """Draws of a variable, dims (number, chain, draw)."""
    ordered = values.transpose(..., "chain", "draw").to_numpy()
    return ordered.reshape(-1, *ordered.shape[-2:])


@np.errstate(divide="ignore", invalid="ignore")  # chains that stand still have none
def e_bfmi(energy: xr.DataArray) -> float:
    """Smallest over chains of the energy's mean squared step over its variance.

    Of draws that are thinned or of several regions it would tell nothing.
    """
    values = energy.transpose("chain", "draw").to_numpy()
    steps = np.square(np.diff(values, axis=1)).mean(axis=1)
    return float((steps / values.var(axis=1)).min())


def _advice(found: dict[str, Any]) -> str:
    """Say what falls short and what helps; empty if nothing does. NaN falls short."""
    if not np.isfinite(found["r_hat"]):
        return "the chains did not move; look at the curve's data."
    if found["divergences"]:
        return (
            f"{found['divergences']} divergent transitions, the posterior may be missing a part; "
            "raise target_accept, or give a narrower prior."
        )
    if not found["r_hat"] <= R_HAT_MOST:
        return (
            f"R-hat {found['r_hat']:.3f}, the chains disagree; take more draws, and look whether "
            "one repetition is unlike the others."
        )
    least = min(found["ess_bulk"], found["ess_tail"])
    if not least >= ESS_LEAST:
        return f"only {least:.0f} effective draws of {ESS_LEAST} asked for; take more draws."
    if not found["e_bfmi"] >= E_BFMI_LEAST:
        return f"E-BFMI {found['e_bfmi']:.2f}, the tails are explored slowly; tune longer."
    return ""
