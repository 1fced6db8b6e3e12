"""PyTensor operation: log-likelihood of the noise and its gradient in one pass over runs.

It is the sum of `palm_bayes.model.noise.log_density`. Because of the persistent offset, each term
depends on all terms before it. A gradient derived by PyTensor from such sums keeps dozens of
intermediate arrays and takes more than twice as long (`benchmarks/README.md`, `speed.py`).
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op

from palm_bayes.model.noise import LOG_SQRT_2PI

type Floats = NDArray[np.float64]


class LogLikelihood(Op):  # type: ignore[misc]  # PyTensor has no types
    """Log-likelihood of the runs of one strategy, and its gradient.

    Inputs are those of `_Given`; outputs are the value and its derivatives by the first five.
    """

    # Key by which caches distinguish versions of this code, also while it is edited.
    code = sha256(Path(__file__).read_bytes()).hexdigest()
    __props__ = ("code",)

    def make_node(self, *inputs: Any) -> Apply:
        """Apply the operation to inputs (PyTensor's protocol, like the other methods)."""
        given = [pt.as_tensor(each) for each in inputs]
        return Apply(self, given, [pt.dscalar(), *(each.type() for each in given[:5])])

    def perform(self, _node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Compute without Numba."""
        with np.errstate(all="ignore"):  # as Numba does
            value, by_step, path = _forward(_Given(*inputs))
            slopes = _backward(_Given(*inputs), by_step, path)
        for output, found in zip(outputs, (np.asarray(value), *slopes), strict=True):
            output[0] = found

    def pullback(
        self, inputs: list[Variable], outputs: list[Variable], weights: list[Variable]
    ) -> list[Variable]:
        """Weight the derivatives; second ones, and those by lag and accuracy, are not provided."""
        if not all(isinstance(weight.type, DisconnectedType) for weight in weights[1:]):
            raise NotImplementedError("the log-likelihood has no second derivatives")
        known = [weights[0] * slope for slope in outputs[1:]]
        return [*known, *(DisconnectedType()() for _ in inputs[5:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Return for which inputs and outputs `pullback` gives a derivative."""
        return [[i < 5] * len(node.outputs) for i in range(len(node.inputs))]


@cache
def know_in_numba() -> None:
    """Register `LogLikelihood` with PyTensor's Numba backend, whose import takes a second."""
    from pytensor.link.numba.dispatch.basic import (
        numba_njit,
        register_funcify_default_op_cache_key,
    )

    def compiled(function: Any) -> Any:
        return numba_njit(function, error_model="numpy")  # division by zero gives inf

    def in_numba(_op: LogLikelihood, **_: Any) -> Any:
        forward, backward = compiled(_forward), compiled(_backward)

        def log_likelihood(*inputs: Any) -> Any:
            given = _Given(*inputs)
            value, by_step, path = forward(given)
            return (np.asarray(value), *backward(given, by_step, path))

        return compiled(log_likelihood)

    register_funcify_default_op_cache_key(LogLikelihood)(in_numba)


class _Given(NamedTuple):
    """Inputs of the operation, by step (from one observation to the next) and by observation.

    Attributes
    ----------
    mean, sd : array, dims (step,)
        Expected accuracy and `palm_bayes.model.noise.passing` at the end of the step.
    carried, weight : array, dims (step,)
        `palm_bayes.model.noise.carry` and `palm_bayes.model.noise.telling`.
    shared : array without dims
        Share of the noise's variance that runs have in common.
    lag, place : array, dims (step,)
        Episodes of the step, 0 for the first of a run; and the index of the x where it ends, below
        the number of steps. Innovations of runs at the same x have correlation `shared`.
    accuracy, step : array, dims (observation,)
        Run after run, in order of episode; `step` is the index of the step that ends there.
    """

    mean: Floats
    sd: Floats
    carried: Floats
    weight: Floats
    shared: Any
    lag: Floats
    place: Floats
    accuracy: Floats
    step: Floats


class _ByStep(NamedTuple):
    """Intermediate results per step, each of dims (step,).

    1 / sqrt(1 − carried²) and the number of runs with this step; for each x, the number of runs and
    the sum of their `_Path.normal`.
    """

    sharper: Floats
    takers: Floats
    present: Floats
    total: Floats


class _Path(NamedTuple):
    """Results of the forward pass for the backward pass, each of dims (observation,).

    The standardised residual; the innovation of the AR(1); `told` and `known` before it, as in
    `palm_bayes.model.noise.foreseen`; and the innovation minus its conditional mean, over its
    conditional standard deviation.
    """

    residual: Floats
    innovation: Floats
    told: Floats
    known: Floats
    normal: Floats


# Numba compiles both passes, since it runs loops fast. Each innovation of a run is conditioned on
# those before it. Then n standard normals at one x with correlation ω and sum S contribute to the
# log density −½ (Σ normal² − ω S² / (1 − ω + nω)) / (1 − ω) and
# −½ ((n − 1) log(1 − ω) + log(1 − ω + nω)).


def _forward(given: _Given) -> tuple[float, _ByStep, _Path]:
    """Return the log-likelihood and the intermediate results for its gradient."""
    mean, sd, carried, weight, shared, lag, place, accuracy, step = given
    share = shared[()]
    apart = 1 - share
    n_steps, n = len(mean), len(accuracy)
    sharper = 1 / np.sqrt(1 - carried**2)
    takers, present, total = np.zeros(n_steps), np.zeros(n_steps), np.zeros(n_steps)
    residual, innovation, normal = np.empty(n), np.empty(n), np.empty(n)
    tolds, knowns = np.empty(n), np.empty(n)  # before each observation
    squares = volume = told = known = 0.0
    for i in range(n):
        k = int(step[i])
        residual[i] = innovation[i] = (accuracy[i] - mean[k]) / sd[k]
        if lag[k] == 0:
            told = known = 0.0
        else:
            innovation[i] = (residual[i] - carried[k] * residual[i - 1]) * sharper[k]
        tolds[i], knowns[i] = told, known
        before = 1 + known
        told += weight[k] * innovation[i]
        known += weight[k] ** 2
        foreseen = weight[k] * tolds[i] / before
        normal[i] = (innovation[i] - foreseen) * np.sqrt(before / (1 + known))
        squares += normal[i] ** 2
        takers[k] += 1
        present[int(place[k])] += 1
        total[int(place[k])] += normal[i]
        if i == n - 1 or lag[int(step[i + 1])] == 0:
            volume += np.log(1 + known)  # log of the run's scales, which telescope
    for k in range(n_steps):
        volume += 2 * takers[k] * np.log(sd[k] / sharper[k])
        if present[k] > 0:  # there are at most as many x as steps
            common = apart + present[k] * share
            squares -= share * total[k] ** 2 / common
            volume += (present[k] - 1) * np.log(apart) + np.log(common)
    value = -0.5 * (squares / apart + volume) - n * LOG_SQRT_2PI
    path = _Path(residual, innovation, tolds, knowns, normal)
    return value, _ByStep(sharper, takers, present, total), path


def _backward(
    given: _Given, by_step: _ByStep, path: _Path
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return derivatives by the first five inputs: the chain rule backwards through `_forward`."""
    mean, sd, carried, weights, shared, lag, place, accuracy, step = given
    share = shared[()]
    apart = 1 - share
    n_steps, n = len(mean), len(accuracy)
    by_mean, by_sd, by_carried = np.zeros(n_steps), np.zeros(n_steps), np.zeros(n_steps)
    by_weight, by_sharper, in_common = np.zeros(n_steps), np.zeros(n_steps), np.empty(n_steps)
    by_share = 0.0
    for k in range(n_steps):
        if by_step.present[k] > 0:
            more, common = by_step.present[k] - 1, apart + by_step.present[k] * share
            in_common[k], square = share * by_step.total[k] / common, by_step.total[k] ** 2 / common
            by_share += 0.5 * square * (1 - share * more / common + share / apart) / apart
            by_share += 0.5 * more * (1 / apart - 1 / common)
        by_sd[k] = -by_step.takers[k] / sd[k]
        by_sharper[k] = by_step.takers[k] / by_step.sharper[k]
    by_told = by_known = from_later = 0.0
    for i in range(n - 1, -1, -1):
        k = int(step[i])
        weight, told, known = weights[k], path.told[i], path.known[i]
        before = 1 + known
        after = before + weight**2
        if i == n - 1 or lag[int(step[i + 1])] == 0:
            by_told = from_later = 0.0
            by_known = -0.5 / after
        by_share -= 0.5 * path.normal[i] ** 2 / apart**2
        by_normal = (in_common[int(place[k])] - path.normal[i]) / apart
        by_precision = 0.5 * by_normal * path.normal[i]  # by log(before / after)
        by_error = by_normal * np.sqrt(before / after)
        by_innovation = by_error + by_told * weight
        by_after = -by_precision / after
        by_before = by_precision / before + by_error * weight * told / before**2 + by_after
        by_weight[k] += by_told * path.innovation[i] - by_error * told / before
        by_weight[k] += 2 * weight * (by_known + by_after)
        by_told -= by_error * weight / before
        by_known += by_before
        by_residual = from_later
        if lag[k] == 0:
            by_residual += by_innovation
        else:
            by_residual += by_innovation * by_step.sharper[k]
            from_later = -by_innovation * by_step.sharper[k] * carried[k]
            by_carried[k] -= by_innovation * by_step.sharper[k] * path.residual[i - 1]
            by_sharper[k] += by_innovation * path.innovation[i] / by_step.sharper[k]
        by_mean[k] -= by_residual / sd[k]
        by_sd[k] -= by_residual * path.residual[i] / sd[k]
    by_carried += by_sharper * carried * by_step.sharper**3
    return by_mean, by_sd, by_carried, by_weight, np.asarray(by_share)
