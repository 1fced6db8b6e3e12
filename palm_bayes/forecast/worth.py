"""Reliability of a forecast: its distance, coverage on other projects, and the prior's share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import seen_by_strategy, unit_of
from palm_bayes.display import percent
from palm_bayes.errors import DataError, known, listed, number, real
from palm_bayes.forecast.forecast import forecast
from palm_bayes.inference.saved import prior_set_name
from palm_bayes.model.learned import BEYOND

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

DATA_SHARE_LEAST = 0.5  # with less, the prior dominates
WIDTH_MOST = 0.5  # share of the remaining gain; a wider band is uninformative
_NEAR = 1 + 1e-9  # multiple of the budget seen: 1 up to rounding
_LEAST_TOLD = 1.1  # smaller multiples would be rounded to 1


def worth(
    fit: "Posterior",
    budget: float,
    strategies: Sequence[str] | None = None,
    until: float | None = None,
) -> str:
    """Describe the reliability of a forecast at a budget.

    Parameters
    ----------
    fit : Posterior
    budget : float
        Labels, or episodes where labels are unknown.
    strategies : sequence of str, optional
        Those that the answer is about; by default all. The distance is that of the shortest.
    until : float, optional
        Largest budget of what is beside the answer, such as a table's; the distance of all
        strategies there is told too, if it is larger.
    """
    if not 0 < real(budget, "budget") < np.inf:
        raise DataError(f"budget is {number(budget)}, but must be above 0")
    if until is not None and not 0 <= real(until, "until") < np.inf:
        raise DataError(f"until is {number(until)}, but must be at least 0")
    answer = _worth_at(fit, budget, strategies)
    end = seen_by_strategy(fit.runs).min()
    if until is None or until <= budget or until <= end * _NEAR:
        return answer
    far = f"Tables and figures extend to {_in_words(until / end)} times the "
    far += f"{unit_of(fit.runs)} seen."
    held = _held(fit, until / end)
    return " ".join([answer, far, *([] if held in answer else [held])])


def _worth_at(fit: "Posterior", budget: float, strategies: Sequence[str] | None) -> str:
    """Describe the reliability of a forecast at one budget."""
    runs, unit = fit.runs, unit_of(fit.runs)
    names = known(
        runs.strategies if strategies is None else strategies, runs.strategies, "strategy"
    )
    each = seen_by_strategy(runs)
    times = {name: budget / float(each[name]) for name in names}
    ahead = {name: float(each[name]) for name in names if times[name] > _NEAR}
    if not ahead:
        return "The forecast does not go beyond the data."
    furthest = max(ahead, key=times.__getitem__)
    told = [_in_words(times[name]) for name in (furthest, min(names, key=times.__getitem__))]
    words = f"The forecast extends to {told[0]} times the {unit} seen"
    words += f" with {furthest}." if told[0] != told[1] else "."
    return " ".join([words, _held(fit, times[furthest]), _prior(fit, ahead, budget)])


def _in_words(times: float) -> str:
    """Format a distance, which is above 1."""
    return f"{times:,.1f}" if times >= _LEAST_TOLD else f"less than {_LEAST_TOLD:g}"


def _held(fit: "Posterior", times: float) -> str:
    """Describe the coverage of equally distant forecasts on held-out curves."""
    learned, usual = fit.learned, prior_set_name(fit.trace) == "default"
    row = learned.held_at(round(times, 1)) if usual else None  # the distance as it is told
    if row is None:
        return "How often forecasts that far held is not known for this prior."
    ends = [0.0, *(each.times for each in learned.held)]
    low = ends[ends.index(row.times) - 1]
    far = f"more than {low:g}" if row.times == BEYOND else f"{max(low, 1):g} to {row.times:g}"
    return (
        f"On curves of other projects, the 80 % bands of forecasts {far} times as far held "
        f"{percent(row.share)} of later accuracies ({row.forecasts:,} forecasts)."
    )


def _prior(fit: "Posterior", ends: dict[str, float], budget: float) -> str:
    """Describe the share of the prior; `ends` are the budgets seen of strategies."""
    at = np.unique([*ends.values(), budget])
    what: dict[str, Any] = {unit_of(fit.runs): at}
    curves = forecast(fit, misfit=None, **what).draws
    shares, mostly = {}, []
    for name, end in ends.items():
        of_one = curves.sel(strategy=name).transpose("x", ...).to_numpy()
        present, later = of_one[np.searchsorted(at, end)], of_one[-1]
        shares[name] = data_share(fit, name, present, later)
        mostly += [name] if is_mostly_prior(shares[name], relative_width(present, later)) else []
    least = min(shares, key=shares.__getitem__)
    part = percent(shares[least])
    several = len(shares) > 1
    of_it = f" (least for {least})" if several else ""
    metric = fit.runs.score.metric
    words = f"The data inform it {part} as much as the present {metric}{of_it}; the rest is prior."
    if not mostly:
        return words
    return f"It is mostly prior{f' for {listed(mostly)}' if several else ''}. {words}"


def is_mostly_prior(share: float, width: float) -> bool:
    """Return True if the data neither inform a forecast much nor make it narrow.

    Arguments are `data_share` and `relative_width` of its PALM curve: the misfit was learned from
    other curves.
    """
    return share < DATA_SHARE_LEAST and width > WIDTH_MOST


def relative_width(present: Floats, later: Floats) -> float:
    """Compute the width of the 80 % band of a later accuracy as a share of the remaining gain."""
    low, high = np.quantile(later, (0.1, 0.9))
    return float((high - low) / max(1 - present.mean(), 1e-9))


def data_share(fit: "Posterior", strategy: str, present: Floats, later: Floats) -> float:
    """Compute the influence of the data on a later accuracy, relative to the present one.

    It is the ratio of the two sensitivities −d log Var / d log λ at λ = 1, where the likelihood is
    raised to the power λ. If prior and likelihood are normal with precisions P and D, such a
    sensitivity is D / (D + P), the share of the data. With unknown noise it is larger; the ratio
    removes this effect. A ratio outside [0, 1], as of few draws, is clipped. `present` and `later`
    are draws of the PALM curve, chain after chain.

    The derivative of a posterior expectation E[f] by λ is Cov(log-likelihood, f), which draws
    give without another fit: Kallioinen, Paananen, Bürkner and Vehtari, *Detecting and diagnosing
    prior and likelihood sensitivity with power-scaling*, Statistics and Computing 2024.
    """
    each = fit.trace["log_likelihood"]["accuracy"]
    of_strategy = each.isel(observation=(each["of_strategy"] == strategy).to_numpy())
    log_likelihood = of_strategy.sum("observation").transpose("chain", "draw").to_numpy().ravel()

    def sensitivity(accuracy: Floats) -> float:
        square = (accuracy.ravel() - accuracy.mean()) ** 2
        return float(-np.cov(log_likelihood, square)[0, 1] / max(square.mean(), 1e-300))

    now = sensitivity(present)
    return float(np.clip(sensitivity(later) / now, 0, 1)) if now > 0 else 0.0
