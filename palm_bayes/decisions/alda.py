"""ALDA's rule for a point estimate and for posterior draws.

Source: the Active Learning Deployment Advisor, README and ``deep-al/tools/alda/advisor.py`` of
github.com/juliamachnio/PALM as of August 2026 (*How Many Labels Are Enough?*, EMA4MICCAI). For a
target τ and a strategy m of a set M:

    feasible   A_max(m) ≥ τ
    B_abs(m)   labels, in whole episodes, at which the curve of m reaches τ
    W(m)       B_abs(m) at τ + Δτ minus B_abs(m) at τ − Δτ, where τ + Δτ is taken no nearer to A_max
               than half a point: the cost of changing the target
    C_η        the feasible m with B_abs(m) ≤ (1 + η) · min B_abs, close to the cheapest
    choice     the m of C_η with the smallest W; among equal ones, the cheapest
    risky      the feasible m with a larger W than the choice, in C_η or not

ALDA uses one least-squares curve per strategy, `point_advice`. Here the same rule is also applied
to every draw of the curves (`advise`), which gives each statement a probability.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from palm_bayes.arrays import Floats
from palm_bayes.data.alignment import MeanCurve, mean_curve
from palm_bayes.data.runs import Runs
from palm_bayes.decisions.trajectories import first_reached
from palm_bayes.forecast.baselines import palm
from palm_bayes.model.curve import PARAMETERS

ETA = 0.05  # ALDA's defaults
HALF_WIDTH = 0.05
_MARGIN = 0.005  # half an accuracy point below the ceiling
_TINY = 1e-8
_STARTS = 18
_ITERATIONS = 2000
_SEED = 0

type Booleans = NDArray[np.bool_]

FITS = (
    *("dataset", "method", "points_used", "budget_size", "observed_final_score", "fit_status"),
    *("a_max", "delta", "alpha", "beta", "rmse", "feasible", "b_abs", "deployment_window"),
    *("window_over_b_abs", "cost_competitive", "risky"),
    *("A_max", "B_abs", "W", "W_over_B_abs", "in_C_eta"),
)
"""Columns of ALDA's ``alda_fits.csv``."""
ADVICE = (
    *("dataset", "score_scale", "target", "delta_target", "eta", "selected_method"),
    *("selected_b_abs", "selected_deployment_window", "selected_B_abs", "selected_W", "b_min"),
    "decision_reason",
)
"""Columns of ALDA's ``alda_advice.csv``."""
_TWINS = {
    "a_max": "A_max",
    "b_abs": "B_abs",
    "deployment_window": "W",
    "window_over_b_abs": "W_over_B_abs",
    "cost_competitive": "in_C_eta",
}


@dataclass(frozen=True, eq=False)
class Advice:
    """Results of ALDA's rule for each sample, dims (sample, strategy)."""

    needed: xr.DataArray  # B_abs in labels, infinite if the strategy is not feasible
    window: xr.DataArray  # W in labels, NaN if it is not
    competitive: xr.DataArray  # whether it is in C_η
    chosen: xr.DataArray  # whether it is the choice, as none is without a feasible one
    risky: xr.DataArray  # relative to the choice


def advise(paths: xr.DataArray, target: float, half_width: float, eta: float) -> Advice:
    """Apply the rule to every draw of the curves.

    A curve's ceiling is its highest value within the range of `paths`, since labels beyond the
    range or the pool cannot be bought. `paths` have dims (sample, strategy, budget); `target` and
    `half_width` are τ and Δτ, fractions.
    """
    paths = paths.transpose("sample", "strategy", "budget")
    needed = first_reached(paths, target)
    high = (paths.max("budget") - _MARGIN).clip(max=target + half_width)
    low = max(target - half_width, 0.0)
    window = first_reached(paths, high) - first_reached(paths, low)
    window = window.where(np.isfinite(needed) & (high >= low)).clip(min=0)
    chosen = choose(needed.to_numpy(), window.to_numpy(), eta)
    return Advice(needed, window, *(needed.copy(data=part) for part in chosen))


def choose(needed: Floats, width: Floats, eta: float) -> tuple[Booleans, Booleans, Booleans]:
    """Determine C_η, the choice and what is risky from B_abs and W, dims (sample, strategy)."""
    cost = np.where(np.isnan(width), np.inf, needed)
    most = (1 + eta) * cost.min(axis=1, keepdims=True) + _TINY
    competitive = np.isfinite(cost) & (cost <= most)
    first = np.lexsort((cost, np.where(competitive, width, np.inf)), axis=1)[:, :1]
    chosen = competitive & (np.arange(cost.shape[1]) == first)
    of_chosen = np.where(chosen, width, np.inf).min(axis=1, keepdims=True)
    return competitive, chosen, np.isfinite(cost) & (width > of_chosen)


def point_advice(
    runs: Runs, target: float, half_width: float = HALF_WIDTH, eta: float = ETA
) -> pd.DataFrame:
    """Reproduce ALDA for the mean curve of each strategy; parameters are as in `advise`.

    The columns are `FITS`, accuracies in percent as in ALDA, NaN where ALDA leaves a cell empty;
    and ``selected``. If no strategy is feasible, the one with the highest ceiling is selected.
    """
    curves = {
        name: _in_own_steps(mean_curve(runs.strategy(name)), runs.batch) for name in runs.strategies
    }
    rng = np.random.default_rng(_SEED)  # of the starts, drawn in ALDA's order of strategies
    points = {
        name: fitted_point(curve.x, 100 * curve.y, rng)
        for name, (curve, _) in sorted(curves.items())
    }
    table = pd.DataFrame(
        {
            "dataset": runs.dataset,
            "method": name,
            **_point_row(curve, step, points[name], 100 * target, 100 * half_width),
        }
        for name, (curve, step) in curves.items()
    )
    costs = table[["B_abs", "W"]].to_numpy(float)[None]  # one sample
    inside, selected, risky = (part[0] for part in choose(costs[..., 0], costs[..., 1], eta))
    table = in_own_columns(table.assign(in_C_eta=inside, risky=risky))
    if not selected.any() and table["A_max"].notna().any():
        selected = np.arange(len(table)) == table["A_max"].argmax()
    return table.assign(selected=selected)


def in_own_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Order columns as in `FITS`, in which some have two names."""
    return table.assign(**{twin: table[name] for twin, name in _TWINS.items()})[[*FITS]]


def _in_own_steps(curve: MeanCurve, batch: float) -> tuple[MeanCurve, float]:
    """Return a curve with x in its smallest step of labels, ALDA's budget size, and that step."""
    labels = np.round(curve.x * batch, 9)
    step = float(np.diff(labels).min()) if len(labels) > 1 else batch
    return curve._replace(x=labels / step), step


def _point_row(
    curve: MeanCurve, batch: float, point: Floats | None, target: float, half_width: float
) -> dict[str, Any]:
    """Return ALDA's columns for a fitted point; `target` and `half_width` in percent."""
    x, y = curve.x, 100 * curve.y
    row: dict[str, Any] = {
        "points_used": len(x),
        "budget_size": batch,
        "observed_final_score": y[-1],
        "fit_status": "too_few_points_or_fit_failed",
        **dict.fromkeys((*PARAMETERS, "rmse", "B_abs", "W", "W_over_B_abs"), np.nan),
        "feasible": False,
    }
    if point is not None:
        ceiling = point[0]
        row["feasible"] = bool(ceiling >= target)
        high, low = min(target + half_width, ceiling - 100 * _MARGIN), max(target - half_width, 0.0)
        if row["feasible"] and high >= low:
            row["B_abs"] = batch * _episodes(point, target)
            row["W"] = max(batch * (_episodes(point, high) - _episodes(point, low)), 0.0)
            row["W_over_B_abs"] = row["W"] / max(row["B_abs"], _TINY)
        rmse = float(np.sqrt(np.mean((palm(x, point) - y) ** 2)))
        fitted = dict(zip(PARAMETERS, map(float, point), strict=True))
        row |= {"fit_status": "ok", **fitted, "rmse": rmse}
    return row


def fitted_point(x: Floats, y: Floats, rng: np.random.Generator) -> Floats | None:
    """Fit A_max, δ, α, β from ALDA's random starts, within its bounds; None for fewer than 4 x.

    `x` in batches, `y` in percent, shape (episode,).
    """
    if len(np.unique(x)) < 4:
        return None
    from scipy.optimize import minimize

    top, end = float(y.max()), float(x.max())
    most = max(100.0, 1.25 * top + 1)
    low, high = np.array([[top, most], [_TINY, 1 - _TINY], [-end, 10 * end + 1], [0.05, 10.0]]).T
    usual = [[top, min(most, 1.5 * top + 1)], [0.005, 0.4], [-1.0, max(2.0, end / 2)], [0.2, 3.0]]

    def squares(p: Floats) -> float:
        residual = palm(x, p) - y
        return float(residual @ residual)

    starts = rng.uniform(*np.array(usual).T, size=(_STARTS, 4)).clip(low, high)
    options = {"maxiter": _ITERATIONS}
    bounds = list(zip(low, high, strict=True))
    with np.errstate(all="ignore"):
        fits = [
            minimize(squares, start, method="L-BFGS-B", bounds=bounds, options=options)
            for start in starts
        ]
    finite = [fit for fit in fits if np.isfinite(fit.fun)]
    return np.asarray(min(finite, key=lambda fit: float(fit.fun)).x) if finite else None


def _episodes(point: Floats, target: float) -> int:
    """Return the whole batches at which the curve reaches `target`, capped below its ceiling."""
    A_max, delta, alpha, beta = map(float, point)
    below = min(target, A_max - _TINY)
    if below <= 0:
        return 0
    power = np.log1p(-below / A_max) / np.log1p(-delta)
    return max(math.ceil(float(power ** (1 / beta) - alpha) - _TINY), 0)
