"""Programs for nutpie: a model's density and parameters as C functions that are cached on disk.

`nutpie.compile_pymc_model` makes them for any model. Numba compiles what it wraps around PyTensor's
functions anew in every process, since the code holds what is of that process only; this takes
longer than all the sampling. The functions written here do without, so that Numba finds them in
PyTensor's cache.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.pytensorf import join_nonshared_inputs, rewrite_pregrad

# What nutpie calls, and what the numbers given back tell it: above 0, a point that cannot be. The
# data come as one array: how many columns the model's data variable has, and its values.
_MATRIX = """
        columns = int(carray(data, (1,))[0])
        matrix = carray(data, (1 + ROWS * columns,))[1:].reshape((ROWS, columns))
"""
_DENSITY = f"""
def wrapper(n_free, point, gradient, value, data):
    try:{_MATRIX}
        found, slope = function(carray(point, (n_free,)), matrix)
        carray(value, (1,))[0] = found[()]
        carray(gradient, (n_free,))[:] = slope
        if not isfinite(found[()]):
            return 4
        for i in range(n_free):
            if not isfinite(slope[i]):
                return 3
    except Exception:
        return 1
    return 0
"""
_PARAMETERS = f"""
def wrapper(n_free, n_parameters, point, values, data):
    try:{_MATRIX}
        (found,) = function(carray(point, (n_free,)), matrix)
        carray(values, (n_parameters,))[:] = found
    except Exception:
        return -2
    return 0
"""


def compile_model(model: pm.Model, names: Sequence[str]) -> Any:
    """Compile a model of one data variable, a matrix, for `nutpie.sample`.

    Parameters
    ----------
    model : pymc.Model
    names : sequence of str
        Of the numbers in its free variables, one by one: what the program draws, together with the
        unconstrained numbers that they are computed from, called by `unconstrained`.

    Returns
    -------
    nutpie.compile_pymc.CompiledPyMCModel
        Chains start around the model's initial point. Data are put in by `with_data`.
    """
    from nutpie.compile_pymc import CompiledPyMCModel

    at = model.initial_point()
    density = rewrite_pregrad(model.logp())
    slopes = pt.grad(density, model.value_vars)
    drawn = [*model.replace_rvs_by_values(model.free_RVs), *model.value_vars]
    names = [*names, *unconstrained(names)]
    start = np.concatenate([np.ravel(at[value.name]) for value in model.value_vars])
    shapes: list[tuple[int, ...]] = [()] * len(names)
    program = CompiledPyMCModel(
        dims={},
        compiled_logp_func=_callback(_DENSITY, 1, model, at, [density, _joined(slopes)]),
        compiled_expand_func=_callback(_PARAMETERS, 2, model, at, [_joined(drawn)]),
        initial_point_func=_around(start),
        shared_data={},
        shared_var_keys={},
        user_data=None,
        n_expanded=len(names),
        shape_info=(names, [slice(i, i + 1) for i in range(len(names))], shapes),
        logp_func=None,
        expand_func=None,
        _n_dim=len(start),
        _shapes=dict(zip(names, shapes, strict=True)),
        _coords={},
    )
    return with_data(program, model.data_vars[0].get_value())


def unconstrained(names: Sequence[str]) -> list[str]:
    """Names of the unconstrained numbers that numbers of these names are computed from."""
    return [f"{name}_unconstrained" for name in names]


def with_data(program: Any, data: NDArray[np.float64]) -> Any:
    """Return the program with another value of the model's data variable."""
    return replace(program, user_data=np.concatenate([data.shape[1:], data.ravel()]))


def kept(raw: Any, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Numbers and statistics after tuning, dims (chain, draw), of a raw trace of nutpie.

    Chains that were cut off are cut to the shortest.
    """
    chains = []
    for numbers, statistics in zip(*raw.get_arrow_trace(), strict=True):
        after = ~statistics.column("tuning").to_numpy()
        of = {name: batch for batch in (numbers, statistics) for name in batch.column_names}
        chains.append([of[name].column(name).to_numpy()[after] for name in names])
    draws = min(len(columns[0]) for columns in chains)
    return {
        name: np.stack([part[:draws] for part in parts])
        for name, parts in zip(names, zip(*chains, strict=True), strict=True)
    }


def _joined(parts: Sequence[Any]) -> Any:
    return pt.concatenate([part.ravel() for part in parts])


def _around(start: NDArray[np.float64]) -> Callable[[int], NDArray[np.float64]]:
    """Start up to one from a point in every direction, as nutpie does."""
    return lambda seed: start + np.random.default_rng(seed).uniform(-1, 1, len(start))


def _callback(
    source: str, sizes: int, model: pm.Model, at: dict[str, Any], outputs: list[Any]
) -> Any:
    """Compile functions of the unconstrained point as the C function that `source` defines."""
    import numba
    from numba.np.numpy_support import carray
    from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, compile_numba_function_src

    outputs, point = join_nonshared_inputs(at, outputs, model.value_vars)
    data = model.data_vars[0]
    matrix = data.type()
    given = {data: matrix}  # an input even of outputs that do without
    compiled = pm.compile(
        [point, matrix], outputs, givens=given, mode="NUMBA", on_unused_input="ignore"
    )
    function = compiled.vm.jit_fn
    graph = CACHED_SRC_FUNCTIONS.get(function.py_func)  # None where an operation has no key
    rows = data.type.shape[0]
    wrapper = compile_numba_function_src(
        source,
        "wrapper",
        {"function": function, "carray": carray, "isfinite": np.isfinite, "ROWS": rows}
        | {"__name__": __name__},  # of a module that Numba can import
        cache_key=graph and sha256(f"{graph} {rows} {source}".encode()).hexdigest(),
    )
    numbers = numba.types.CPointer(numba.types.double)  # type: ignore[no-untyped-call]
    signature = numba.types.int64(*[numba.types.uint64] * sizes, *[numbers] * (5 - sizes))
    return numba.cfunc(signature, cache=graph is not None)(wrapper)
