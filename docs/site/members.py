"""What the pages of the API hold: the members of a class, and links to public names."""

import inspect
from functools import cached_property
from importlib import import_module
from typing import Any

INTERNAL = {"of", "joined"}  # constructors that only the package calls


def members(module: str, name: str) -> dict[str, list[str]]:
    """Return the names of public properties and methods, those of bases in the package too.

    The methods of a stop rule are for the author of one: they are on the page of `Rule`.
    """
    kind: Any = getattr(import_module(module), name)
    if issubclass(kind, BaseException) or kind.__module__.endswith("stopping_rules"):
        return {"properties": [], "methods": []}
    own = [base for base in kind.__mro__ if base.__module__.startswith("palm_bayes")]
    found = {key: value for base in reversed(own) for key, value in vars(base).items()}
    public = {key: value for key, value in found.items() if not key.startswith("_")}
    properties = [k for k, v in public.items() if isinstance(v, property | cached_property)]
    routines = {k for k, v in public.items() if inspect.isroutine(v)} - {*properties, *INTERNAL}
    return {"properties": properties, "methods": [k for k in public if k in routines]}


def to_page(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve a reference to a name that has a page, by another path or without one."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py" or not name:
        return None
    python = env.get_domain("py")
    pages = {full for full, entry in python.objects.items() if entry.docname == f"api/{full}"}
    found = sorted((full for full in pages if full.rpartition(".")[2] == name), key=len)
    if not found:
        return None
    here = node["refdoc"]
    return python.resolve_xref(env, here, app.builder, "obj", found[0], node, content)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("missing-reference", to_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
