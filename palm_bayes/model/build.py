"""PyMC model of a task: one PALM curve per strategy, shared by its repetitions."""

from functools import partial
from typing import Any, get_args

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.distribution import support_point as usual_value
from pymc.distributions.shape_utils import change_dist_size
from pytensor.scan import scan

from palm_bayes.data.runs import Runs, require_runs
from palm_bayes.errors import known
from palm_bayes.model import curve, noise
from palm_bayes.model.coordinates import CurveCoordinates, FlatCoordinates, StepCoordinates
from palm_bayes.model.curve_regions import Region, log_share
from palm_bayes.model.expected import moments_of
from palm_bayes.model.noise_coordinates import (
    MemoryCoordinates,
    NoiseCoordinates,
    ShareCoordinates,
)
from palm_bayes.model.priors import (
    Priors,
    curve_logp,
    draw_curve,
    draw_memory,
    draw_share,
    memory_logp,
    noise_over_unit,
    noise_unit,
    priors_of_runs,
)
from palm_bayes.model.variables import (
    DATA_COORDS,
    DATA_DIMS,
    NOISE,
    VECTOR_COORDS,
    VECTOR_DIMS,
    VECTORS,
    Ends,
    observations,
)


def build_model(runs: Runs, priors: str | Priors = "default", region: Region = "all") -> pm.Model:
    """Build the model of a task, whose strategies are independent given the priors.

    Parameters
    ----------
    runs : Runs
    priors : {"default", "bounds"} or Priors
    region : {"all", "rising", "step", "flat"}
        Region of the posterior; the densities of the last three add up to that of all.

    Returns
    -------
    pymc.Model
        Free variables ``memory`` (rho, lasting), ``noise``, ``noise_ratio``, ``shared`` and
        ``curve`` (A_max, log u_first, α, β); deterministics ``rho``, ``lasting``, ``A_max``,
        ``delta``, ``alpha``, ``beta``; the observed ``accuracy``. Dims strategy and observation;
        accuracies are fractions. PyMC's own functions take it: prior and posterior predictive draw
        whole repetitions.
    """
    require_runs(runs, "runs")
    known([region], get_args(Region), "region")
    priors = priors_of_runs(priors, runs)
    data = observations(runs)
    coords = {
        "strategy": list(runs.strategies),
        **VECTOR_COORDS,
        **DATA_COORDS,
        "observation": np.arange(len(data.x)),
    }
    with pm.Model(coords=coords) as model:
        given = {
            name: pm.Data(name, value, dims=DATA_DIMS[name], shape=_static_shape(name, value))
            for name, value in data.as_data().items()
        }
        ends = Ends(*(given["ends"][i] for i in range(len(Ends._fields))))
        curves, of_noise = strategy_variables(priors, region, ends)
        _observe(given, ends, curves, of_noise)
    return model


def strategy_variables(
    priors: Priors, region: Region, ends: Ends
) -> tuple[tuple[Any, Any, Any, Any], tuple[Any, Any, Any, Any, Any]]:
    """Create all but the data: A_max, log u_first, α, β and `NOISE`, of dims (strategy,) each."""
    of_noise = noise_variables(priors, ends, "strategy")
    vector = curve_variable(priors, region, ends, of_noise, "strategy")
    A_max, log_u, alpha, beta = (vector[:, i] for i in range(4))
    delta = curve.delta(log_u, alpha, beta, ends.x_first, pt)
    told = {name: of_noise[NOISE.index(name)] for name in VECTORS["memory"]}
    told |= dict(zip(curve.PARAMETERS, (A_max, delta, alpha, beta), strict=True))
    for name, value in told.items():
        pm.Deterministic(name, value, dims="strategy")
    return (A_max, log_u, alpha, beta), of_noise


def _static_shape(name: str, value: NDArray[Any]) -> tuple[int | None, ...]:
    """Return all lengths but the number of observations, which other runs may change."""
    dims = zip(DATA_DIMS[name], value.shape, strict=True)
    return tuple(None if dim == "observation" else length for dim, length in dims)


_CHARTS = {"step": StepCoordinates, "flat": FlatCoordinates}


def curve_variable(
    priors: Priors, region: Region, ends: Ends, of_noise: tuple[Any, ...], *dims: str
) -> Any:
    """Create the free variable (A_max, log u_first, α, β).

    `of_noise` are the variables of `noise_variables`: the prior does not depend on them, but the
    units of the coordinates do.
    """
    x_first = ends.x_first
    alpha_lo = pt.maximum(priors.alpha_lo, -x_first)
    alpha_hi = pt.full_like(x_first, priors.alpha_hi)
    chart = _CHARTS.get(region, CurveCoordinates)

    def log_density(value: Any, first: Any, lower: Any, *_: Any) -> Any:
        _, log_u, alpha, beta = (value[..., i] for i in range(4))
        second = log_u + beta * pt.log((ends.x_second + alpha) / (first + alpha))
        return curve_logp(priors, value, first, lower) + log_share(region, log_u, second, pt)

    last_spread, noise_ratio, _, _, lasting = of_noise
    return pm.CustomDist(
        "curve",
        x_first,
        alpha_lo,
        last_spread,
        noise_ratio,
        lasting,
        dist=lambda first, lower, *_: draw_curve(priors, first, lower),
        logp=log_density,
        support_point=lambda _variable, _size, first, lower, *_: _start(region, first, lower),
        signature="(),(),(),(),()->(4)",
        default_transform=chart(ends, alpha_lo, alpha_hi, priors.beta_hi),
        dims=(*dims, VECTOR_DIMS["curve"]),
    )


def _start(region: Region, x_first: Any, alpha_lo: Any) -> Any:
    """Return a default start of sampling, inside the region and the support of every prior."""
    log_u, beta = {"step": (0.5, 5.0), "flat": (3.0, 0.7)}.get(region, (-0.5, 0.7))
    like = pt.zeros_like(x_first)
    return pt.stack([like + 0.8, like + log_u, alpha_lo + 1.5, like + beta], axis=-1)


def noise_variables(priors: Priors, ends: Ends, *dims: str) -> tuple[Any, Any, Any, Any, Any]:
    """Create the noise parameters, in the order of `NOISE`."""
    model = pm.modelcontext(None)
    size = [model.dim_lengths[dim] for dim in dims]

    memory = pm.CustomDist(
        "memory",
        pt.zeros(size),
        dist=lambda like, _size: draw_memory(priors, like),
        logp=lambda value, _like: memory_logp(priors, value),
        support_point=lambda _variable, _size, like: pt.stack([like + 0.4, like + 0.3], axis=-1),
        signature="()->(2)",
        default_transform=MemoryCoordinates(ends),
        dims=(*dims, VECTOR_DIMS["memory"]),
    )
    rho, lasting = memory[..., 0], memory[..., 1]
    prior, unit = noise_over_unit(priors), noise_unit(priors, ends.accuracy_last, pt)
    last_spread = pm.CustomDist(
        "noise",
        lasting,  # of which the prior is independent, unlike its coordinate
        unit,
        dist=lambda _like, unit, _size: unit * change_dist_size(prior, unit.shape),
        logp=lambda value, _like, unit: pm.logp(prior, value / unit) - pt.log(unit),
        support_point=lambda _variable, _size, _like, unit: unit * usual_value(prior),
        signature="(),()->()",
        default_transform=NoiseCoordinates(prior),
        dims=dims or None,
    )
    of_ratio = change_dist_size(priors.noise_ratio, size)
    noise_ratio = model.register_rv(of_ratio, "noise_ratio", dims=dims)
    of_shared = draw_share(priors.shared, size)
    shared = model.register_rv(of_shared, "shared", dims=dims, default_transform=ShareCoordinates())
    return last_spread, noise_ratio, rho, shared, lasting


def _observe(
    given: dict[str, Any], ends: Ends, curves: tuple[Any, ...], of_noise: tuple[Any, ...]
) -> None:
    """Add the observed accuracies: expected curve plus partly persistent, partly shared noise."""
    x, accuracy, lag, *places = (given["observations"][i] for i in range(5))
    of = given.get("strategy_index", 0)
    of_curve = (each[of] for each in curves)
    spread, ratio, rho, shared, lasting = (each[of] for each in of_noise)
    between = ends.x_first[of], ends.x_last[of]
    mean, sd = moments_of(x, *between, of_curve, (spread, ratio, lasting), pt)
    pm.CustomDist(
        "accuracy",
        mean,
        sd,
        noise.autocorrelation(rho, lag),
        pt.zeros_like(x) + shared,
        pt.zeros_like(x) + noise.offset_sd(spread, lasting, pt),
        *(pt.cast(each, "int64") for each in places),
        logp=partial(noise.log_density, xp=pt),
        dist=_repetitions,
        observed=accuracy,
        dims="observation",
    )


def _repetitions(
    mean: Any, sd: Any, carried: Any, shared: Any, lasts: Any, place: Any, first: Any, _size: Any
) -> Any:
    """Draw new repetitions, for PyMC's predictive functions: the process of `noise.log_density`.

    A graph, since PyMC's compiled code would warn about the Python function `noise.simulate`.
    """
    common, own = (pm.Normal.dist(0, 1, shape=mean.shape) for _ in range(2))
    fresh = noise.mixed(common[place], own, shared, pt)
    sd_before = pt.concatenate([sd[:1], sd[:-1]])
    weight = noise.offset_weight(lasts, sd, sd_before, carried, pt)
    left = pt.sqrt(1 - carried**2)
    goes_on = pt.neq(first, pt.arange(first.shape[0]))

    def next_one(new: Any, share: Any, left: Any, weight: Any, on: Any, *before: Any) -> Any:
        residual, weighted_sum, information = (on * part for part in before)
        expected, scale = noise.innovation_moments(weighted_sum, information, weight, pt)
        innovation = expected + scale * new
        return (
            share * residual + left * innovation,
            weighted_sum + weight * innovation,
            information + weight**2,
        )

    residual, _, _ = scan(
        next_one,
        sequences=[fresh, carried, left, weight, goes_on],
        outputs_info=[pt.zeros(())] * 3,
        return_updates=False,
    )
    return mean + sd * residual
