"""PyTensor operation: log-likelihood of one strategy's runs and its gradient, in one pass.

It is the sum of `palm_bayes.model.noise.log_density`. A gradient derived by PyTensor keeps dozens
of intermediate arrays and takes several times as long (`benchmarks/README.md`, `speed.py`).
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.scalar import float64

from palm_bayes.model import curve, likelihood_passes, noise, steps

_FORMULAS = (
    curve.u,
    noise.offset_sd,
    noise.decline,
    noise.span,
    noise.power,
    noise.total_sd,
    noise.above_floor,
    noise.autocorrelation,
    noise.offset_weight,
    noise.innovation_moments,
    steps.steps_of,
)


class LogLikelihood(Op):  # type: ignore[misc]  # PyTensor has no types
    """Log-likelihood of the runs of one strategy, and its gradient.

    Inputs are the parameters in the order of `palm_bayes.model.likelihood_passes.Parameters`, dims
    (parameter,), and the runs as `palm_bayes.model.steps.pooled`. Outputs are the value and its
    derivatives by the parameters, dims (parameter,). The value is a scalar, not a tensor: PyTensor
    would compute all scalars that depend on it as arrays.
    """

    # Key by which caches distinguish versions of this code, also while it is edited.
    code = sha256(
        b"".join(
            Path(str(file)).read_bytes()
            for file in (
                __file__,
                *(each.__file__ for each in (curve, noise, steps, likelihood_passes)),
            )
        )
    ).hexdigest()
    __props__ = ("code",)

    def make_node(self, parameters: Any, rows: Any) -> Apply:
        """Apply the operation to inputs (PyTensor's protocol, like the other methods)."""
        given = [pt.as_tensor(parameters), pt.as_tensor(rows)]
        return Apply(self, given, [float64(), given[0].type()])

    def perform(self, _node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Compute without Numba."""
        with np.errstate(all="ignore"):  # as Numba does
            value, slopes = likelihood_passes.value_and_slopes(*inputs)
        outputs[0][0], outputs[1][0] = np.float64(value), slopes

    def pullback(
        self, _inputs: list[Variable], outputs: list[Variable], weights: list[Variable]
    ) -> list[Variable]:
        """Weight the derivatives; second ones, and those by the runs, are not provided."""
        if not isinstance(weights[1].type, DisconnectedType):
            raise NotImplementedError("the log-likelihood has no second derivatives")
        return [pt.tensor_from_scalar(weights[0]) * outputs[1], DisconnectedType()()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Return for which inputs and outputs `pullback` gives a derivative."""
        return [[i == 0] * len(node.outputs) for i in range(len(node.inputs))]


@cache
def register_in_numba() -> None:
    """Register `LogLikelihood` with PyTensor's Numba backend, whose import takes a second."""
    from numba.extending import register_jitable
    from pytensor.link.numba.dispatch.basic import (
        numba_njit,
        register_funcify_default_op_cache_key,
    )

    # Inlined, since a call would count references to each array.
    for formula in _FORMULAS:
        register_jitable(forceinline=True)(formula)
    for function in likelihood_passes.FUNCTIONS:  # where division by zero gives inf
        register_jitable(error_model="numpy", forceinline=True)(function)

    def in_numba(_op: LogLikelihood, **_: Any) -> Any:
        def log_likelihood(parameters: Any, rows: Any) -> Any:
            return likelihood_passes.value_and_slopes(parameters, rows)

        return numba_njit(log_likelihood, error_model="numpy")

    register_funcify_default_op_cache_key(LogLikelihood)(in_numba)
