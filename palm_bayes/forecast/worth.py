"""What an answer is worth: how far it looks, how often that held elsewhere, how much is prior."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from palm_bayes.errors import percent
from palm_bayes.forecast.forecast import forecast
from palm_bayes.model.learned import BEYOND

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

type Floats = NDArray[np.float64]

_NEAR = 1 + 1e-9  # times the budget seen: one but for rounding


def worth(fit: "Posterior", budget: float) -> str:
    """Say in words what a forecast of a fit's strategies at a budget is worth.

    Parameters
    ----------
    fit : Posterior
    budget : float
        Labels, or episodes where labels are unknown; infinite for the furthest.
    """
    column = "labels" if fit.runs.labels_known else "episode"
    seen = float(fit.runs.table.groupby("strategy")[column].max().min())
    times = budget / seen
    if times <= _NEAR:
        return "It looks no further than the data."
    unit = "labels" if fit.runs.labels_known else "episodes"
    words = f"It looks {times:.1f} times as far as the {unit} seen."
    return " ".join([words, *_held(fit, times), _prior(fit, seen, budget)])


def _held(fit: "Posterior", times: float) -> list[str]:
    """How often forecasts held that looked as far, on curves that nothing was learned from."""
    learned = fit.learned
    row = learned.held_at(times)
    if row is None:
        return []
    ends = [0.0, *(each.times for each in learned.held)]
    low = ends[ends.index(row.times) - 1]
    far = f"more than {low:g}" if row.times == BEYOND else f"{max(low, 1):g} to {row.times:g}"
    words = f"On curves of other projects, forecasts that looked {far} times as far had "
    words += f"{percent(row.share)} of what came in their 80 % bands ({row.forecasts:,} forecasts)."
    return [words]


def _prior(fit: "Posterior", seen: float, budget: float) -> str:
    what: dict[str, Any] = {"labels" if fit.runs.labels_known else "episodes": [seen, budget]}
    curves = forecast(fit, misfit=None, **what).draws
    shares = {
        name: data_share(fit, name, *curves.sel(strategy=name).transpose("x", ...).to_numpy())
        for name in fit.runs.strategies
    }
    least = min(shares, key=shares.__getitem__)
    told = percent(min(max(shares[least], 0.0), 1.0))
    of_it = f" (least of {least})" if len(shares) > 1 else ""
    return f"The data tell {told} of what they tell of the present{of_it}; the rest is prior."


def data_share(fit: "Posterior", strategy: str, present: Floats, later: Floats) -> float:
    """How much the data tell of a later accuracy, beside the present one.

    It is the ratio of the two sensitivities −d log Var / d log λ at λ = 1, where the likelihood is
    raised to the power λ. Where prior and likelihood are normal with precisions P and D such a
    sensitivity is D / (D + P), the share of the data; it is more where the noise is unknown, which
    the ratio takes out.

    Parameters
    ----------
    fit : Posterior
    strategy : str
    present, later : array of as many elements as there are draws, chain after chain
        Accuracies on its PALM curve.

    Notes
    -----
    The derivative of a posterior expectation E[f] by λ is Cov(log-likelihood, f), so that draws
    tell it without another fit: Kallioinen, Paananen, Bürkner and Vehtari, *Detecting and
    diagnosing prior and likelihood sensitivity with power-scaling*, Statistics and Computing 2024.
    """
    each = fit.trace["log_likelihood"]["accuracy"]
    of_strategy = each.isel(observation=(each["of_strategy"] == strategy).to_numpy())
    log_likelihood = of_strategy.sum("observation").transpose("chain", "draw").to_numpy().ravel()

    def sensitivity(accuracy: Floats) -> float:
        square = (accuracy.ravel() - accuracy.mean()) ** 2
        return float(-np.cov(log_likelihood, square)[0, 1] / max(square.mean(), 1e-300))

    now = sensitivity(present)
    return sensitivity(later) / now if now > 0 else 0.0
