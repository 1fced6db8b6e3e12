"""Programs for nutpie: a model's log density and parameters as C functions, cached on disk.

`nutpie.compile_pymc_model` works for any model, but its wrappers around PyTensor's functions refer
to objects of the process, so Numba recompiles them in every process. This takes longer than all the
sampling. The wrappers here contain no such references, so Numba finds them in PyTensor's cache. The
key is computed from PyMC's density, so a cached function needs neither gradient nor graph rewrites.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.pytensorf import join_nonshared_inputs, rewrite_pregrad
from pytensor import config
from pytensor.graph.replace import clone_replace

from palm_bayes.arrays import Floats
from palm_bayes.inference.graph_key import graph_key

# Functions that nutpie calls. A return value above 0 marks an invalid point. The data come as one
# array: numbers of rows and columns of the model's data variable, its values, and the mean and the
# factor of a `Normal`, which turn the point given into an unconstrained one, `free`.
_GIVEN = """
        shape = carray(data, (2,))
        rows, columns = int(shape[0]), int(shape[1])
        end = 2 + rows * columns
        given = carray(data, (end + n_free + n_free * n_free,))
        matrix = given[2:end].reshape((rows, columns))
        factor = given[end + n_free :].reshape((n_free, n_free))
        free = given[end : end + n_free].copy()
        standard = carray(point, (n_free,))
        for i in range(n_free):
            for j in range(n_free):
                free[i] += factor[i, j] * standard[j]
"""
_DENSITY = f"""
def wrapper(n_free, point, gradient, value, data):
    try:{_GIVEN}
        found, slope = function(free, matrix)
        carray(value, (1,))[0] = found[()]
        by_standard = carray(gradient, (n_free,))
        by_standard[:] = 0
        for i in range(n_free):
            for j in range(n_free):
                by_standard[j] += factor[i, j] * slope[i]
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
    try:{_GIVEN}
        (found,) = function(free, matrix)
        carray(values, (n_parameters,))[:] = found
    except Exception:
        return -2
    return 0
"""


class Normal(NamedTuple):
    """Normal distribution of unconstrained points."""

    mean: Floats  # dims (coordinate,)
    factor: Floats  # any matrix whose product with its transpose is the covariance


def compile_model(model: pm.Model, names: Sequence[str]) -> Any:
    """Compile a model of one data variable, a matrix, for `nutpie.sample`.

    `names` are those of the elements of its free variables. The program draws these, and their
    unconstrained values under the names that `unconstrained` gives. Its chains start within ±1 of 0
    in each coordinate; `with_data` sets the data.
    """
    from nutpie.compile_pymc import CompiledPyMCModel

    # Any point of the right shapes: PyMC's initial one takes 0.3 s of rewriting graphs.
    at = {value.name: np.zeros(value.type.shape) for value in model.value_vars}
    density = model.logp()
    drawn = [*model.replace_rvs_by_values(model.free_RVs), *model.value_vars]

    def density_and_slopes() -> list[Any]:
        ready = rewrite_pregrad(clone_replace(density))  # works in place, and `drawn` shares nodes
        return [ready, _joined(pt.grad(ready, model.value_vars))]

    names = [*names, *unconstrained(names)]
    n = sum(value.size for value in at.values())
    shapes: list[tuple[int, ...]] = [()] * len(names)
    program = CompiledPyMCModel(
        dims={},
        compiled_logp_func=_callback(_DENSITY, 1, model, at, [density], density_and_slopes),
        compiled_expand_func=_callback(_PARAMETERS, 2, model, at, drawn, lambda: [_joined(drawn)]),
        initial_point_func=lambda seed: np.random.default_rng(seed).uniform(-1, 1, n),
        shared_data={},
        shared_var_keys={},
        user_data=None,
        n_expanded=len(names),
        shape_info=(names, [slice(i, i + 1) for i in range(len(names))], shapes),
        logp_func=None,
        expand_func=None,
        _n_dim=n,
        _shapes=dict(zip(names, shapes, strict=True)),
        _coords={},
    )
    return with_data(program, model.data_vars[0].get_value())


def unconstrained(names: Sequence[str]) -> list[str]:
    """Return the names of the unconstrained values of these elements."""
    return [f"{name}_unconstrained" for name in names]


def with_data(program: Any, data: Floats) -> Any:
    """Return the program with another value of the model's data variable, not standardised."""
    n = program.n_dim
    parts = data.shape, data.ravel(), np.zeros(n), np.eye(n).ravel()
    return replace(program, user_data=np.concatenate(parts))


def standardised(program: Any, around: Normal) -> Any:
    """Return the program in coordinates in which a normal distribution is standard.

    Its points z stand for the unconstrained points mean + factor · z, and its density is that of
    these. Chains start at draws of the distribution.
    """
    n = program.n_dim
    unchanged = program.user_data[: -n - n * n]
    return replace(
        program,
        user_data=np.concatenate([unchanged, around.mean, around.factor.ravel()]),
        initial_point_func=lambda seed: np.random.default_rng(seed).standard_normal(n),
    )


def density_of(program: Any) -> Callable[[Floats], tuple[float, Floats]]:
    """Return the program's log density with its gradient; -inf and zeros where it has none."""
    density, n = program.compiled_logp_func.ctypes, program.n_dim
    point, gradient, value = np.empty(n), np.empty(n), np.empty(1)
    arrays = [np.ctypeslib.as_ctypes(of) for of in (point, gradient, value, program.user_data)]

    def value_and_gradient(at: Floats) -> tuple[float, Floats]:
        point[:] = at
        if density(n, *arrays) != 0:
            return -np.inf, np.zeros(n)
        return float(value[0]), gradient.copy()

    return value_and_gradient


def kept(raw: Any, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Extract draws and statistics after tuning, dims (chain, draw), from nutpie's raw trace.

    If sampling was interrupted, all chains are cut to the length of the shortest.
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
    """Stack scalars and elements of vectors: joined vectors would keep PyTensor from fusing."""
    return pt.stack([each for part in parts for each in (part if part.ndim else [part])])


def _callback(
    source: str,
    sizes: int,
    model: pm.Model,
    at: dict[str, Any],
    known: list[Any],
    outputs: Callable[[], list[Any]],
) -> Any:
    """Compile functions of the unconstrained point as the C function that `source` defines.

    This module derives `outputs` from `known`, and only if they are not cached.
    """
    import numba
    from numba.np.numpy_support import carray
    from pytensor.link.numba.cache import compile_numba_function_src

    key = _key(source, model, at, known)
    used: dict[str, Any] = {"carray": carray, "isfinite": np.isfinite}
    used |= {"__name__": __name__}  # a module that Numba can import
    wrapper = compile_numba_function_src(source, "wrapper", used, cache_key=key)
    numbers = numba.types.CPointer(numba.types.double)  # type: ignore[no-untyped-call]
    signature = numba.types.int64(*[numba.types.uint64] * sizes, *[numbers] * (5 - sizes))
    cache = key is not None
    if not (cache and _is_kept(wrapper, signature)):
        used["function"], can_be_kept = _compiled(model, at, outputs())
        cache = cache and can_be_kept
    return numba.cfunc(signature, cache=cache)(wrapper)


def _key(source: str, model: pm.Model, at: dict[str, Any], known: list[Any]) -> str | None:
    """Return a function's key in PyTensor's cache; None if it must not be cached."""
    graph = graph_key([*model.value_vars, model.data_vars[0]], known)
    if graph is None or not config.numba__cache:
        return None
    shapes = [np.shape(at[value.name]) for value in model.value_vars]  # in the flat point
    described = [graph, source, str(shapes)]
    return sha256(Path(__file__).read_bytes() + "\n".join(described).encode()).hexdigest()


def _is_kept(wrapper: Callable[..., int], signature: Any) -> bool:
    """Return True if Numba has the function on disk; damaged files are discarded."""
    from numba.core.caching import FunctionCache
    from numba.core.registry import cpu_target

    cache: Any = FunctionCache(wrapper)  # type: ignore[no-untyped-call]
    try:
        return cache.load_overload(signature, cpu_target.target_context) is not None
    except Exception:  # noqa: BLE001 -- reading damaged files may raise anything
        cache.flush()
        return False


def _compiled(model: pm.Model, at: dict[str, Any], outputs: list[Any]) -> tuple[Any, bool]:
    """Compile functions of the flat point and the data; also return True if cachable."""
    from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS

    outputs, point = join_nonshared_inputs(at, outputs, model.value_vars)
    data = model.data_vars[0]
    matrix = data.type()
    given = {data: matrix}  # an input even of outputs that do not use it
    # Fast math lets the compiler reorder sums, and a process that compiles does so differently from
    # one that reads the cache: a seed would give other draws in the first process.
    with config.change_flags(numba__fastmath=False):
        compiled = pm.compile(
            [point, matrix], outputs, givens=given, mode="NUMBA", on_unused_input="ignore"
        )
    function = compiled.vm.jit_fn
    return function, function.py_func in CACHED_SRC_FUNCTIONS  # no key, no cache
