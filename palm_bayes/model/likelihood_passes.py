"""Log-likelihood of one strategy's runs and its gradient: passes forwards, then backwards.

Numba compiles these functions, since it runs loops fast. Formulas shared with the rest of the
package get the module `np` as an argument, as elsewhere. Each backward pass applies the chain rule
to the forward pass of the same name.

Each innovation of a run is conditioned on those before it. Then n standard normals at one x with
correlation ω and sum S contribute to the log density −½ (Σ normal² − ω S² / (1 − ω + nω)) / (1 − ω)
and −½ ((n − 1) log(1 − ω) + log(1 − ω + nω)).
"""

from typing import Any, NamedTuple

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.model import curve, noise
from palm_bayes.model.noise import LOG_SQRT_2PI, TRANSIENT
from palm_bayes.model.steps import Steps, steps_of


class Parameters(NamedTuple):
    """Parameters of one strategy: those of the curve, then `palm_bayes.model.variables.NOISE`."""

    A_max: Any
    log_u: Any
    alpha: Any
    beta: Any
    spread: Any
    ratio: Any
    rho: Any
    shared: Any
    lasting: Any


_AT = Parameters(*range(9))  # index of each parameter


class _Curve(NamedTuple):
    """Values at each x, dims (place,)."""

    u: Floats  # `curve.u`
    share: Floats  # 1 − exp(−u), of A_max
    decline: Floats  # `noise.decline`
    power: Floats  # `noise.power`
    powered: Floats  # the squared noise ratio to that power
    sd: Floats  # `noise.transient_sd`


class _Links(NamedTuple):
    """Values at each step, dims (step,)."""

    carried: Floats  # `noise.autocorrelation`
    sharper: Floats  # 1 / sqrt(1 − carried²)
    weight: Floats  # `noise.offset_weight`
    information: Floats  # sum of squared weights over the steps before
    factor: Floats  # of `weighted_sum` in the mean of `noise.innovation_moments`
    precise: Floats  # one over their standard deviation


class _Runs(NamedTuple):
    """Results of the pass along the runs."""

    residual: Floats  # standardised, dims (observation,), as are the next three
    innovation: Floats  # of the AR(1)
    weighted_sum: Floats  # before it, as in `noise.innovation_moments`
    normal: Floats  # innovation minus its conditional mean, over its conditional sd
    present: Floats  # number of runs, dims (place,)
    total: Floats  # sum of their `normal`, dims (place,)


def value_and_slopes(parameters: Floats, rows: Floats) -> tuple[float, Floats]:
    """Return the log-likelihood of `palm_bayes.model.steps.pooled` runs, and its derivatives.

    Parameters, and the derivatives by them, are in the order of `Parameters`.
    """
    p = parameters
    given = Parameters(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8])
    steps = steps_of(rows)
    at = _curve(given, steps.x)
    links = _links(given, steps, at)
    value, runs = _runs(given, steps, at, links)
    by = np.zeros(len(parameters))
    by_mean, by_sd, by_links = _runs_backwards(given.shared, steps, at, links, runs, by)
    _links_backwards(given, steps, at, links, by_links, by_sd, by)
    _curve_backwards(given, steps.x, at, by_mean, by_sd, by)
    return value, by


def _curve(given: Parameters, x: Floats) -> _Curve:
    of = np.empty((6, len(x)))
    u, share, decline, power, powered, sd = of[0], of[1], of[2], of[3], of[4], of[5]
    for i in range(len(x)):
        u[i] = curve.u(x[i], given.log_u, given.alpha, given.beta, x[0], np)
        share[i] = -np.expm1(-u[i])
        decline[i] = noise.decline(u[i], x[i], np)
    span = noise.span(decline[0], decline[-1], np)
    for i in range(len(x)):
        power[i] = noise.power(decline[i], decline[-1], span, np)
        powered[i] = given.ratio ** (2 * power[i])
        sd[i] = noise.total_sd((1 - given.lasting) * powered[i], given.spread, given.lasting, np)
    return _Curve(u, share, decline, power, powered, sd)


def _curve_backwards(
    given: Parameters, x: Floats, at: _Curve, by_mean: Floats, by_sd: Floats, by: Floats
) -> None:
    """Add to the derivatives `by` the parameters, from those by mean and sd at each x."""
    u, decline = at.u, at.decline
    by_u, by_decline = np.empty(len(x)), np.zeros(len(x))
    fall = noise.above_floor(decline[-1] - decline[0], np)
    span = noise.span(decline[0], decline[-1], np)
    log_ratio = np.log(given.ratio)
    by_fall = 0.0
    for i in range(len(x)):
        by[_AT.A_max] += by_mean[i] * at.share[i]
        by_u[i] = by_mean[i] * given.A_max * np.exp(-u[i])
        # sd² = spread² (shrinking + TRANSIENT lasting) + RESOLUTION²
        power, powered = at.power[i], at.powered[i]
        shrinking = (1 - given.lasting) * powered
        by_variance = 0.5 * by_sd[i] / at.sd[i] * given.spread**2
        by[_AT.spread] += 2 * by_variance / given.spread * (shrinking + TRANSIENT * given.lasting)
        by[_AT.ratio] += 2 * by_variance * shrinking * power / given.ratio
        by[_AT.lasting] += by_variance * (TRANSIENT - powered)
        if abs(power) < 1:
            by_power = 2 * by_variance * shrinking * log_ratio / span
            by_left = by_power / (1 + np.exp(decline[i] - decline[-1]))
            by_decline[-1] += by_left
            by_decline[i] -= by_left
            by_fall -= by_power * power * fall / span
    by_fall /= 1 + np.exp(decline[0] - decline[-1])
    by_decline[-1] += by_fall
    by_decline[0] -= by_fall
    for i in range(len(x)):
        by_u[i] += by_decline[i] / (1 + np.exp(u[i] - curve.SATURATED))
        if u[i] < np.exp(curve.MOST_LOG_U):
            by_log_u = by_u[i] * u[i]
            by[_AT.log_u] += by_log_u
            apart = 1 / (x[i] + given.alpha) - 1 / (x[0] + given.alpha)
            by[_AT.alpha] += by_log_u * given.beta * apart
            by[_AT.beta] += by_log_u * np.log((x[i] + given.alpha) / (x[0] + given.alpha))


def _links(given: Parameters, steps: Steps, at: _Curve) -> _Links:
    of = np.zeros((6, len(steps.lag)))
    carried, sharper, weight = of[0], of[1], of[2]
    information, factor, precise = of[3], of[4], of[5]
    lasts = noise.offset_sd(given.spread, given.lasting, np)
    for k in range(len(steps.lag)):
        before = int(steps.before[k])
        sd, sd_before = at.sd[int(steps.place[k])], at.sd[int(steps.place[before])]
        carried[k] = noise.autocorrelation(given.rho, steps.lag[k])
        weight[k] = noise.offset_weight(lasts, sd, sd_before, carried[k], np)
        sharper[k] = 1 / np.sqrt(1 - carried[k] ** 2)
        if steps.lag[k] > 0:
            information[k] = information[before] + weight[before] ** 2
        factor[k], scale = noise.innovation_moments(1.0, information[k], weight[k], np)
        precise[k] = 1 / scale
    return _Links(carried, sharper, weight, information, factor, precise)


def _links_backwards(
    given: Parameters,
    steps: Steps,
    at: _Curve,
    links: _Links,
    by_links: _Links,
    by_sd: Floats,
    by: Floats,
) -> None:
    """Add to the derivatives `by` the parameters and `by_sd` the sd at each x."""
    lasts = noise.offset_sd(given.spread, given.lasting, np)
    by_lasts = 0.0
    for k in range(len(steps.lag) - 1, -1, -1):  # a step comes after the one before it
        now, before = int(steps.place[k]), int(steps.before[k])
        then = int(steps.place[before])
        carried, sharper, weight = links.carried[k], links.sharper[k], links.weight[k]
        # factor = weight / certain, precise² = certain / (certain + weight²)
        per_certain = 1 / (1 + links.information[k])
        per_after = per_certain * links.precise[k] ** 2
        by_log = by_links.precise[k] * links.precise[k]  # by log(precise)
        by_information = by_links.information[k] + 0.5 * by_log * (per_certain - per_after)
        by_information -= by_links.factor[k] * links.factor[k] * per_certain
        by_weight = by_links.weight[k] + by_links.factor[k] * per_certain
        by_weight -= by_log * weight * per_after
        by_change = by_weight * sharper
        direct, earlier = 1 / at.sd[now], carried / at.sd[then]
        by_lasts += by_change * (direct - earlier)
        by_sd[now] -= by_change * lasts * direct**2
        by_sd[then] += by_change * lasts * earlier / at.sd[then]
        if steps.lag[k] > 0:
            by_links.information[before] += by_information
            by_links.weight[before] += 2 * by_information * links.weight[before]
            by_carried = by_links.carried[k] + by_links.sharper[k] * carried * sharper**3
            by_carried += by_change * (weight * carried * sharper - lasts / at.sd[then])
            by[_AT.rho] += by_carried * steps.lag[k] * given.rho ** (steps.lag[k] - 1)
    by[_AT.spread] += by_lasts * lasts / given.spread
    by[_AT.lasting] += by_lasts * lasts / (2 * given.lasting)


def _runs(given: Parameters, steps: Steps, at: _Curve, links: _Links) -> tuple[float, _Runs]:
    """Return the log-likelihood and the intermediate results for its gradient."""
    n, shared, apart = len(steps.accuracy), given.shared, 1 - given.shared
    of, of_x = np.empty((4, n)), np.zeros((4, len(steps.x)))
    residual, innovation, weighted_sums, normal = of[0], of[1], of[2], of[3]
    present, total, per_sd, mean = of_x[0], of_x[1], of_x[2], of_x[3]
    squares = volume = weighted_sum = 0.0
    log_apart = np.log(apart)
    for x in range(len(steps.x)):
        per_sd[x] = 1 / at.sd[x]
        mean[x] = given.A_max * at.share[x]
    for i in range(n):
        k = int(steps.step[i])
        x = int(steps.place[k])
        residual[i] = innovation[i] = (steps.accuracy[i] - mean[x]) * per_sd[x]
        if steps.lag[k] == 0:
            weighted_sum = 0.0
        else:
            left = residual[i] - links.carried[k] * residual[i - 1]
            innovation[i] = left * links.sharper[k]
        normal[i] = (innovation[i] - links.factor[k] * weighted_sum) * links.precise[k]
        weighted_sums[i] = weighted_sum
        weighted_sum += links.weight[k] * innovation[i]
        squares += normal[i] ** 2
        total[x] += normal[i]
    for k in range(len(steps.lag)):
        x = int(steps.place[k])
        present[x] += steps.takers[k]
        scale = at.sd[x] / (links.sharper[k] * links.precise[k])
        volume += 2 * steps.takers[k] * np.log(scale)
    for x in range(len(steps.x)):
        common = apart + present[x] * shared
        squares -= shared * total[x] ** 2 / common
        volume += (present[x] - 1) * log_apart + np.log(common)
    value = -0.5 * (squares / apart + volume) - n * LOG_SQRT_2PI
    return value, _Runs(residual, innovation, weighted_sums, normal, present, total)


def _runs_backwards(
    shared: Any, steps: Steps, at: _Curve, links: _Links, runs: _Runs, by: Floats
) -> tuple[Floats, Floats, _Links]:
    """Return derivatives by mean and sd at each x, and of each step, and add that by `shared`."""
    per_apart = 1 / (1 - shared)
    of_x, of_steps = np.zeros((3, len(steps.x))), np.zeros((6, len(steps.lag)))
    by_mean, by_sd, in_common = of_x[0], of_x[1], of_x[2]
    by_links = _Links(of_steps[0], of_steps[1], of_steps[2], of_steps[3], of_steps[4], of_steps[5])
    for x in range(len(steps.x)):
        more = runs.present[x] - 1
        common = 1 + more * shared
        in_common[x], square = shared * runs.total[x] / common, runs.total[x] ** 2 / common
        by[_AT.shared] += (
            0.5 * square * (1 - shared * more / common + shared * per_apart) * per_apart
        )
        by[_AT.shared] += 0.5 * more * (per_apart - 1 / common)
    by_weighted_sum = from_later = squares = 0.0
    # Sums over the observations; factors that these have in common come after.
    for i in range(len(steps.accuracy) - 1, -1, -1):
        k = int(steps.step[i])
        x = int(steps.place[k])
        squares += runs.normal[i] ** 2
        by_normal = (in_common[x] - runs.normal[i]) * per_apart
        by_error = by_normal * links.precise[k]
        by_innovation = by_error + by_weighted_sum * links.weight[k]
        by_links.precise[k] += by_normal * runs.normal[i]
        by_links.factor[k] -= by_error * runs.weighted_sum[i]
        by_links.weight[k] += by_weighted_sum * runs.innovation[i]
        by_links.sharper[k] += by_innovation * runs.innovation[i]
        by_residual = from_later + by_innovation * links.sharper[k]  # 1 at a run's first
        if steps.lag[k] == 0:
            by_weighted_sum = from_later = 0.0
        else:
            by_weighted_sum -= by_error * links.factor[k]
            from_later = -by_innovation * links.sharper[k] * links.carried[k]
            by_links.carried[k] -= by_innovation * links.sharper[k] * runs.residual[i - 1]
        by_mean[x] -= by_residual
        by_sd[x] -= by_residual * runs.residual[i]
    by[_AT.shared] -= 0.5 * squares * per_apart**2
    for k in range(len(steps.lag)):
        by_links.precise[k] = (by_links.precise[k] + steps.takers[k]) / links.precise[k]
        by_links.sharper[k] = (by_links.sharper[k] + steps.takers[k]) / links.sharper[k]
    for x in range(len(steps.x)):
        by_mean[x] /= at.sd[x]
        by_sd[x] = (by_sd[x] - runs.present[x]) / at.sd[x]
    return by_mean, by_sd, by_links


FUNCTIONS = (
    value_and_slopes,
    _curve,
    _curve_backwards,
    _links,
    _links_backwards,
    _runs,
    _runs_backwards,
)
"""Functions to be compiled by Numba."""
