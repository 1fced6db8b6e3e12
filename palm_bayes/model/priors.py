"""Prior sets: two named ones, whose parts users can replace by PyMC distributions."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from inspect import signature
from types import ModuleType
from typing import Any, Self

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.shape_utils import change_dist_size
from pymc.printing import str_for_dist
from pymc.pytensorf import constant_fold
from pytensor.compile.mode import Mode

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.display import Display, Displayed
from palm_bayes.errors import DataError, known, of_type, real, require_flag
from palm_bayes.model import curve
from palm_bayes.model.known_noise import noise_log_normals
from palm_bayes.model.learned import Learned, LogNormal, shipped
from palm_bayes.model.noise import single_prediction_sd
from palm_bayes.model.variables import BETAS, LOG_NORMALS

_BOUNDS = ("alpha_lo", "alpha_hi", "beta_hi", "apart")  # what of `Priors` is no distribution
_IN_PLACE_OF = {"delta": "reached", "alpha": "alpha_start", "noise": "relative_noise"}
_SHARES = ("A_max", "delta", "reached", "rho", "shared", "lasting")

Distribution = Any  # what ``pm.<Name>.dist(...)`` returns: PyMC has no public type for it


def log_normal(prior: LogNormal) -> Distribution:
    """Return a learned prior as a distribution of PyMC."""
    return pm.LogNormal.dist(np.log(prior.median), prior.width)


def _of_noise(name: str) -> Distribution:
    """Return the default prior of a parameter of the noise."""
    if name in BETAS:
        return pm.Beta.dist(*BETAS[name])
    return log_normal(LogNormal(*LOG_NORMALS[name]))


@dataclass(frozen=True, repr=False)
class Priors(Displayed):
    """Priors of one strategy's parameters, inside PALM.py's fitting bounds.

    Every part is a scalar PyMC distribution, such as ``pm.Beta.dist(8, 2)``. NUTS gets stuck where
    a prior truncates its parameter's range: bound α and β by `alpha_lo`, `alpha_hi` and `beta_hi`
    instead.

    Attributes
    ----------
    A_max
        Achievable accuracy: a fraction, also where the data are in percent.
    delta
        PALM's δ. None, the default, leaves it to `reached`.
    reached
        Share of A_max reached at the first observed x, which gives u(x_first). δ is the share
        reached where x + α = 1, possibly far from any data.
    alpha
        PALM's α. None, the default, leaves it to `alpha_start`.
    alpha_start
        α above its lower bound: x_first + α, the x of the first observation in PALM's own count.
    beta
        PALM's β.
    noise
        Standard deviation of an accuracy around the curve at the last observed x, a fraction;
        rounding adds `palm_bayes.model.noise.RESOLUTION`. None, the default, leaves it to
        `relative_noise`.
    relative_noise
        The same over sqrt(A (1 − A)), where A is the mean accuracy observed at the last x: 0.03 is
        the sampling error of about 1,000 test examples.
    noise_ratio
        Ratio of the shrinking part's standard deviation at the first observed x to that at the
        last; see `palm_bayes.model.noise.transient_sd`.
    rho
        Lag-1 autocorrelation of the transient part of a repetition's residuals, in (0, 1).
    shared
        Share of the noise's variance that a strategy's repetitions have in common, in (0, 1): the
        correlation of their residuals at the same episode.
    lasting
        Share of its variance at the last observed x that does not shrink, in (0, 1). Most of it is
        constant within a repetition, such as the offset of its own test split; see
        `palm_bayes.model.noise.offset_sd`.
    alpha_lo, alpha_hi, beta_hi : float
        PALM.py's bounds. α stays above −x_first in any case, since a curve starts above zero.
    apart : bool
        Sample rising, step and flat curves separately. Priors need this if they give much volume
        to curves that the data determine poorly: see `palm_bayes.model.curve_regions`.
    """

    A_max: Distribution = field(default_factory=lambda: pm.Uniform.dist(0, 1))
    delta: Distribution | None = None
    reached: Distribution = field(default_factory=lambda: pm.Uniform.dist(0, 1))
    alpha: Distribution | None = None
    alpha_start: Distribution = field(default_factory=lambda: log_normal(shipped().alpha_start))
    beta: Distribution = field(default_factory=lambda: log_normal(shipped().beta))
    noise: Distribution | None = None
    relative_noise: Distribution = field(default_factory=lambda: _of_noise("relative_noise"))
    noise_ratio: Distribution = field(default_factory=lambda: _of_noise("noise_ratio"))
    rho: Distribution = field(default_factory=lambda: _of_noise("rho"))
    shared: Distribution = field(default_factory=lambda: _of_noise("shared"))
    lasting: Distribution = field(default_factory=lambda: _of_noise("lasting"))
    alpha_lo: float = -1000.0
    alpha_hi: float = 1000.0
    beta_hi: float = 100.0
    apart: bool = False

    def __post_init__(self) -> None:
        require_flag(self.apart, "apart")
        for name in ("alpha_lo", "alpha_hi", "beta_hi"):
            real(getattr(self, name), name)
        if not -np.inf < self.alpha_lo < self.alpha_hi < np.inf:
            got = f"alpha_lo is {self.alpha_lo:g} and alpha_hi {self.alpha_hi:g}"
            raise DataError(f"{got}, allowed are finite numbers with alpha_lo < alpha_hi")
        for part in fields(self):
            if part.name not in _BOUNDS and (value := getattr(self, part.name)) is not None:
                wanted = "a distribution of PyMC, such as pm.Beta.dist(20, 2)"
                of_type(value, pt.TensorVariable, f"the prior of {part.name}", wanted)
        for name in ("alpha", "alpha_start", "beta"):
            part = getattr(self, name)
            if part is not None and _is_truncated(part):
                raise DataError(
                    f"the prior of {name} is truncated, but must be the distribution itself: "
                    "alpha_lo, alpha_hi and beta_hi are its bounds"
                )
        if not self.beta_hi > 0:
            raise DataError(f"beta_hi is {self.beta_hi:g}, but must be a number above 0")
        for name in _SHARES:
            part = getattr(self, name)
            if part is not None and _is_truncated(part) and _passes_one(part):
                raise DataError(f"the prior of {name} is truncated above 1, but must be at most 1")

    def with_parts(self, **parts: Distribution) -> Self:
        """Return these priors with some parts replaced; `DataError` for an unknown name."""
        if parts:
            known(parts, [part.name for part in fields(self)], "part of the priors")
        return replace(self, **parts)

    def _display(self) -> Display:
        """Show the parts in use, each with its distribution."""
        given = {part.name: getattr(self, part.name) for part in fields(self)}
        unused = {other for part, other in _IN_PLACE_OF.items() if given[part] is not None}
        used = {
            name: _in_words(part)
            for name, part in given.items()
            if name not in {*_BOUNDS, *unused} and part is not None
        }
        words = f"alpha from {self.alpha_lo:g} to {self.alpha_hi:g}, beta up to {self.beta_hi:g}"
        words += "\nRising, step and flat curves are sampled separately." * bool(self.apart)
        return Display(words, pd.DataFrame(list(used.items()), columns=["part", "prior"]))


def named_priors(
    name: str,
    learned: Learned | None = None,
    *,
    alpha_lo: float = -1000.0,
    alpha_hi: float = 1000.0,
    beta_hi: float = 100.0,
) -> Priors:
    """Return a prior set by its name.

    Parameters
    ----------
    name : {"default", "bounds"}
        Weakly informative; or flat in A_max, δ, α and β between PALM.py's fitting bounds.
    learned : Learned, optional
        Hyperparameters of the default priors; by default those that the package ships.
    alpha_lo, alpha_hi, beta_hi : float
        PALM.py's bounds, as its flags of the same names set them.

    Raises
    ------
    DataError
        If there is no such set.
    """
    known([name], ["default", "bounds"], "prior set")
    if learned is not None:
        of_type(learned, Learned, "learned", "Learned, as palm_bayes.learn finds")
    bounds = {"alpha_lo": alpha_lo, "alpha_hi": alpha_hi, "beta_hi": beta_hi}
    return _named(name, learned, *(real(bound, part) for part, bound in bounds.items()))


@lru_cache  # equal sets are one object, so that a program is compiled once
def _named(
    name: str, learned: Learned | None, alpha_lo: float, alpha_hi: float, beta_hi: float
) -> Priors:
    default = Priors(alpha_lo=alpha_lo, alpha_hi=alpha_hi, beta_hi=beta_hi)
    if learned is not None:
        own = {"alpha_start": learned.alpha_start, "beta": learned.beta}
        default = default.with_parts(**{part: log_normal(prior) for part, prior in own.items()})
    if name == "default":
        return default
    return replace(
        default,
        delta=pm.Uniform.dist(0, 1),
        alpha=pm.Uniform.dist(alpha_lo, alpha_hi),
        beta=pm.Uniform.dist(0, beta_hi),
        apart=True,
    )


def priors_of_runs(
    priors: str | Priors, runs: Runs, learned: Learned | None = None, **bounds: float
) -> Priors:
    """Return the priors of a fit: a user's own, or a named set with the known noise of means.

    `runs` are all that are fitted: the noise of means is known from all strategies. `learned` and
    `bounds` are those of `named_priors`.
    """
    if not isinstance(priors, str):
        return of_type(priors, Priors, "priors", "'default', 'bounds' or Priors")
    named = named_priors(priors, learned, **bounds)
    return _with_noise(named, *noise_log_normals(runs.table).items()) if runs.of_means else named


@lru_cache  # as `_named`
def _with_noise(priors: Priors, *noise: tuple[str, LogNormal]) -> Priors:
    return priors.with_parts(**{name: log_normal(prior) for name, prior in noise})


def _in_words(part: Distribution) -> str:
    """Write a distribution with its parameters, by their names in PyMC's density if it has one."""
    text: str = str_for_dist(part)
    density = getattr(getattr(pm, text.partition("(")[0], None), "logp", None)
    if density is None:  # of PyMC's combinations
        return text
    _, *names = signature(density).parameters
    values = constant_fold(part.owner.op.dist_params(part.owner), raise_not_constant=False)
    if not all(isinstance(value, np.ndarray) and value.size == 1 for value in values):
        return text
    shown = (f"{name}={value.item():.4g}" for name, value in zip(names, values, strict=True))
    return f"{text.partition('(')[0]}({', '.join(shown)})"


def _passes_one(part: Distribution) -> bool:
    """Return True if a distribution has a density above 1."""
    above = pm.logp(part, np.array([1 + 1e-6, 1.01, 1.1]))
    return bool(np.isfinite(pytensor.function([], above, mode=Mode("py", None))()).any())


def _is_truncated(part: Distribution) -> bool:
    """Return True if PyMC's class for any distribution, or the one for normals, truncates it."""
    return "Truncated" in type(part.owner.op).__name__


def draw_curve(priors: Priors, x_first: Any, alpha_lo: Any) -> Any:
    """Create the random vector (A_max, log u_first, α, β), dims (strategy, 4)."""

    def draw(part: Distribution, lower: Any, upper: Any) -> Any:
        return pm.Truncated.dist(part, lower=lower, upper=upper, size=x_first.shape)

    def share(part: Distribution) -> Any:
        return draw_share(part, x_first.shape)

    if priors.alpha is None:
        alpha = alpha_lo + draw(priors.alpha_start, lower=0, upper=priors.alpha_hi - alpha_lo)
    else:
        alpha = draw(priors.alpha, lower=alpha_lo, upper=priors.alpha_hi)
    beta = draw(priors.beta, lower=0, upper=priors.beta_hi)
    if priors.delta is None:
        log_u = pt.log(-pt.log1p(-share(priors.reached)))
    else:
        log_u = curve.log_u_first(share(priors.delta), alpha, beta, x_first, pt)
    return pt.stack([share(priors.A_max), log_u, alpha, beta], axis=-1)


def noise_over_unit(priors: Priors) -> Distribution:
    """Return the prior distribution of the noise over its `noise_unit`."""
    return priors.relative_noise if priors.noise is None else priors.noise


def noise_unit(priors: Priors, accuracy_last: Any, xp: ModuleType = np) -> Any:
    """Compute the unit of the noise's prior, dims (strategy,), from mean accuracies at the last x.

    It is 1 if the prior is absolute.
    """
    if priors.noise is None:
        return single_prediction_sd(accuracy_last, xp)
    return xp.ones_like(accuracy_last)


def draw_memory(priors: Priors, like: Any) -> Any:
    """Create the random vector (rho, lasting), dims (strategy, 2); `like` has dims (strategy,)."""
    return pt.stack([draw_share(part, like.shape) for part in (priors.rho, priors.lasting)], -1)


def draw_share(part: Distribution, shape: Any) -> Any:
    """Create random numbers in (0, 1); wider distributions are truncated to it."""
    if part.owner.op.name == "beta" or _is_truncated(part):
        return change_dist_size(part, shape)
    return pm.Truncated.dist(part, lower=0, upper=1, size=shape)


def memory_logp(priors: Priors, value: Any) -> Any:
    """Compute the log density of `draw_memory`, up to the constant of its truncation."""
    return pm.logp(priors.rho, value[..., 0]) + pm.logp(priors.lasting, value[..., 1])


def curve_logp(priors: Priors, value: Any, x_first: Any, alpha_lo: Any) -> Any:
    """Compute the log density of `draw_curve`, up to the constant of its truncation.

    `value` has dims (strategy, 4), all others, and the result, (strategy,).
    """
    A_max, log_u, alpha, beta = (value[..., i] for i in range(4))
    if priors.alpha is None:
        of_alpha = pm.logp(priors.alpha_start, alpha - alpha_lo)
    else:
        of_alpha = pm.logp(priors.alpha, alpha)
    of_beta = pt.switch(beta <= priors.beta_hi, pm.logp(priors.beta, beta), -np.inf)
    if priors.delta is None:
        share, log_k = priors.reached, log_u
    else:
        share, log_k = priors.delta, log_u - beta * pt.log(x_first + alpha)
    # The density p(s) of a share s = 1 − exp(−k) is p(s) · k · exp(−k) as a density of log k.
    of_share = pm.logp(share, -pt.expm1(-pt.exp(log_k))) + log_k - pt.exp(log_k)
    return pm.logp(priors.A_max, A_max) + of_share + of_alpha + of_beta


@lru_cache
def moving_logp(priors: Priors) -> Callable[..., Floats]:
    """Return the joint prior log density of noise, noise_ratio and lasting as a NumPy function.

    The noise is given over its `noise_unit`. It is not compiled, since compiling takes seconds.
    """
    values = [pt.vector(), pt.vector(), pt.vector()]
    parts = noise_over_unit(priors), priors.noise_ratio, priors.lasting
    total = sum(pm.logp(part, value) for part, value in zip(parts, values, strict=True))
    function: Callable[..., Any] = pytensor.function(values, total, mode=Mode("py", None))
    return function
