"""Keys of PyTensor graphs: graphs with equal keys compute equal values, in any process.

A key covers all that a graph computes: every operation with its identifying properties, every
constant, and the versions of the defining libraries. There is no key for an operation of a user's
own class or function, unless its code is one of the identifying properties, nor for an operation
that contains a graph.
"""

import pickle
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from types import FunctionType
from typing import Any

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.op import HasInnerGraph, Op
from pytensor.graph.traversal import toposort
from pytensor.scalar.basic import ScalarOp

_LIBRARIES = ("pymc", "pytensor", "numba", "numpy")


def graph_key(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> str | None:
    """Hash `outputs` as functions of `inputs`; return None if a part of them has no key."""
    at = {variable: b"%d" % i for i, variable in enumerate(inputs)}

    def place(variable: Variable) -> bytes:
        if isinstance(variable, Constant):
            return _described((variable.type, variable.data))
        return at[variable]

    described = [_described([version(library) for library in _LIBRARIES])]
    described += [_described([variable.type for variable in inputs])]
    try:
        for node in toposort(outputs, blockers=inputs):
            kinds = [output.type for output in node.outputs]
            described += [_described((node.op, kinds)), *map(place, node.inputs)]
            at |= {output: b"%d" % (len(at) + i) for i, output in enumerate(node.outputs)}
        described += map(place, outputs)
    except (pickle.PicklingError, TypeError, AttributeError, KeyError):  # KeyError: another input
        return None
    return sha256(b"".join(b"%d:%s" % (len(part), part) for part in described)).hexdigest()


class _Describer(pickle.Pickler):
    """Pickler of identifying properties only; refuses objects that have no key."""

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, type) and "code" in getattr(thing, "__props__", ()):
            return NotImplemented  # its code is a property
        if isinstance(thing, type | FunctionType):
            if thing.__module__.partition(".")[0] not in {*_LIBRARIES, "builtins"}:
                raise pickle.PicklingError(
                    f"{thing} belongs to a library whose version is not in the key"
                )
        elif isinstance(thing, HasInnerGraph):
            raise pickle.PicklingError(f"{thing} contains a graph")
        elif isinstance(thing, Op) and hasattr(thing, "__props__"):
            # Other parts of its state change with use.
            return type(thing), tuple(getattr(thing, name) for name in thing.__props__)
        elif isinstance(thing, Op) and not isinstance(thing, ScalarOp):  # these have little state
            raise pickle.PicklingError(f"{thing} has no identifying properties")
        return NotImplemented


def _described(thing: Any) -> bytes:
    text = BytesIO()
    _Describer(text).dump(thing)
    return text.getvalue()
