"""The direction of the package: who may import whom, read from the source without importing it.

Every rule maps the package's sources, as ``{"curve.py": text, "report/page.py": text}``, to a list
of breaches, one line each. The rules run on the real package and, to show that they can fail, on
small made-up ones.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

PACKAGE = Path(__file__).parents[1] / "palm_bayes"

# A module imports only from modules before it. A subpackage counts as one module.
ORDER = (
    "errors",
    "files",
    "curve",
    "noise",
    "scales",
    "misfit",
    "learned",
    "runs",
    "alignment",
    "oddities",
    "averaging",
    "readers",
    "tasks",
    "data",
    "priors",
    "regions",
    "coordinates",
    "model",
    "draws",
    "likelihood",
    "pointwise",
    "pooled",
    "keys",
    "program",
    "convergence",
    "joining",
    "sampling",
    "families",
    "expected",
    "sharing",
    "joint",
    "forecast",
    "trace",
    "predictive_check",
    "palm_fit",
    "fitting",
    "refitting",
    "predictive",
    "worth",
    "doubts",
    "paths",
    "contrasts",
    "compare",
    "alda",
    "budget",
    "alda_files",
    "outlook",
    "verdicts",
    "rules",
    "decide",
    "monitor",
    "pilot",
    "shown",
    "scoring",
    "checkpoints",
    "backtest_result",
    "backtest_cells",
    "backtesting",
    "later",
    "learning",
    "sweep",
    "figures",
    "plots",
    "plots_backtest",
    "plots_uncertainty",
    "plots_compare",
    "plots_budget",
    "outputs",
    "_options",
    "_source",
    "_terminal",
    "report",
    "__init__",
    "cli_compare",
    "cli_learn",
    "cli_stop",
    "cli_report",
    "cli",
    "__main__",
)
RANK = {module: rank for rank, module in enumerate(ORDER)}

# Methods of results are thin calls of the modules to their right, imported where they are called.
MAY_DEFER = {"palm_fit", "compare", "budget", "backtest_result"}

PYMC = {"pymc", "pytensor", "nutpie"}
ARVIZ = {"arviz", "arviz_base", "arviz_stats", "arviz_plots"}
DRAWING = {"figures", "report"}  # beside all that are called plots
# Library -> the only modules that may import it, wherever in the module the import stands.
ONLY_IN = {
    library: modules
    for libraries, modules in [
        (
            PYMC,
            {
                "priors",
                "coordinates",
                "model",
                "likelihood",
                "pooled",
                "keys",
                "program",
                "sampling",
                "predictive",
            },
        ),
        (
            ARVIZ,
            set(ORDER)
            - {"errors", "curve", "regions", "scales", "runs", "oddities", "readers", "data"},
        ),
        (
            {"matplotlib", "arviz_plots"},
            {m for m in ORDER if m.startswith("plots")} | {"figures", "report"},
        ),
        ({"dask", "distributed"}, {"sweep"}),
    ]
    for library in libraries
}

HEAVY = PYMC | ARVIZ | {"dask", "distributed", "matplotlib", "numpy", "pandas", "scipy", "xarray"}
MUST_START_LIGHT = {"__init__", "__main__", "cli", "cli_compare", "cli_report", "cli_stop"}

MAX_LINES = 350
COUNTED = {".css", ".html", ".j2", ".js", ".py"}

type Sources = dict[str, str]


@dataclass(frozen=True)
class Import:
    """One imported name and where it stands."""

    path: str
    line: int
    target: str  # absolute and dotted: "numpy.linalg", "palm_bayes.curve"
    deferred: bool = False  # in a function
    typing_only: bool = False  # under `if TYPE_CHECKING:`

    @property
    def importer(self) -> str:
        return module_of(self.path)

    @property
    def library(self) -> str:
        return self.target.partition(".")[0]

    @property
    def module(self) -> str | None:
        """The module of palm_bayes that is imported, None for other libraries."""
        if self.library != "palm_bayes":
            return None
        first = self.target.split(".")[1:2]
        # Any other name is one that the package itself gives: `from palm_bayes import PalmFit`.
        return first[0] if first and first[0] in RANK else "__init__"

    @property
    def at_start(self) -> bool:
        """Whether importing the module runs this import."""
        return not (self.deferred or self.typing_only)

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.target}"


def module_of(path: str) -> str:
    return PurePosixPath(path).parts[0].removesuffix(".py")


def imports(sources: Sources) -> Iterator[Import]:
    for path, text in sources.items():
        if path.endswith(".py"):
            yield from walk(ast.parse(text, path), Import(path, 0, ""))


def walk(node: ast.AST, place: Import) -> Iterator[Import]:
    """Yield the imports below `node`; `place` carries what is known of where it stands."""
    for target in targets(node, place.path):
        yield replace(place, line=node.lineno, target=target)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        place = replace(place, deferred=True)
    guarded = node.body if isinstance(node, ast.If) and is_type_checking(node.test) else []
    for child in ast.iter_child_nodes(node):
        yield from walk(child, replace(place, typing_only=True) if child in guarded else place)


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def targets(node: ast.AST, path: str) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            base = [node.module] if node.module else []
            if node.level:
                parents = ("palm_bayes", *PurePosixPath(path).parts[:-1])
                base = [*parents[: len(parents) - node.level + 1], *base]
            # palm_bayes.__version__ is set before anything is imported: it ties no module to it.
            return [
                ".".join([*base, alias.name])
                for alias in node.names
                if [*base, alias.name] != ["palm_bayes", "__version__"]
            ]
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ) if not name.startswith("."):
            return [name]
    return []


def modules_have_ranks(sources: Sources) -> list[str]:
    return [
        f"{path}: give {module_of(path)!r} a rank in ORDER of tests/test_layers.py"
        for path in sources
        if path.endswith(".py") and module_of(path) not in RANK
    ]


def data_flows_one_way(sources: Sources) -> list[str]:
    return [
        f"{found}, which is not to its left"
        for found in imports(sources)
        if found.module not in {None, found.importer}
        and RANK.get(found.importer, -1) <= RANK[found.module]
        and (found.at_start or found.importer not in MAY_DEFER)
    ]


def libraries_stay_in_their_modules(sources: Sources) -> list[str]:
    return [
        f"{found}, which only {', '.join(m for m in ORDER if m in ONLY_IN[found.library])} may"
        for found in imports(sources)
        if found.library in ONLY_IN and found.importer not in ONLY_IN[found.library]
    ]


def package_and_cli_start_light(sources: Sources) -> list[str]:
    at_start = [found for found in imports(sources) if found.at_start]
    heavy: set[str | None] = {f.importer for f in at_start if f.library in HEAVY}
    # A module that imports a heavy one is heavy: as many rounds as a chain can be long.
    for _ in ORDER:
        heavy |= {f.importer for f in at_start if f.module in heavy}
    return [
        f"{found} at its top level, which is slow to import"
        for found in at_start
        if found.importer in MUST_START_LIGHT
        and (found.library in HEAVY or found.module in heavy)
        and found.module != found.importer
    ]


def files_are_short(sources: Sources) -> list[str]:
    return [
        f"{path} has {lines} lines, more than {MAX_LINES}"
        for path, text in sources.items()
        if (lines := len(text.splitlines())) > MAX_LINES
    ]


RULES: list[Callable[[Sources], list[str]]] = [
    modules_have_ranks,
    data_flows_one_way,
    libraries_stay_in_their_modules,
    package_and_cli_start_light,
    files_are_short,
]


@pytest.fixture(scope="module")
def package() -> Sources:
    sources = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*"))
        if path.suffix in COUNTED
    }
    assert "__init__.py" in sources, f"{PACKAGE} is not the package"
    return sources


@pytest.mark.parametrize("rule", RULES)
def test_package_keeps(rule, package):
    assert rule(package) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (modules_have_ranks, "helpers.py", ""),
        (modules_have_ranks, "helpers/__init__.py", ""),
        (data_flows_one_way, "curve.py", "from palm_bayes.runs import Runs"),
        (data_flows_one_way, "curve.py", "import palm_bayes.runs as r"),
        (data_flows_one_way, "curve.py", "from palm_bayes import errors, runs"),
        (data_flows_one_way, "curve.py", "from palm_bayes import PalmFit"),
        (data_flows_one_way, "curve.py", "import palm_bayes"),
        (data_flows_one_way, "curve.py", "from . import runs"),
        (data_flows_one_way, "curve.py", "from .runs import Runs"),
        (data_flows_one_way, "report/page.py", "from ..cli import main"),
        (data_flows_one_way, "report/page.py", "from .. import cli"),
        (data_flows_one_way, "curve.py", "def f():\n    from palm_bayes.runs import Runs"),
        (data_flows_one_way, "curve.py", "import_module('palm_bayes.runs')"),
        (
            data_flows_one_way,
            "curve.py",
            "if TYPE_CHECKING:\n    from palm_bayes.runs import Runs",
        ),
        (data_flows_one_way, "fitting.py", "from palm_bayes.decide import decide"),
        (libraries_stay_in_their_modules, "curve.py", "import pytensor.tensor as pt"),
        (libraries_stay_in_their_modules, "runs.py", "from arviz_base import from_dict"),
        (libraries_stay_in_their_modules, "fitting.py", "def f():\n    import pymc"),
        (libraries_stay_in_their_modules, "fitting.py", "f = lambda: __import__('nutpie')"),
        (libraries_stay_in_their_modules, "fitting.py", "importlib.import_module('pymc')"),
        (
            libraries_stay_in_their_modules,
            "fitting.py",
            "try:\n    import pymc\nfinally:\n    pass",
        ),
        (libraries_stay_in_their_modules, "fitting.py", "if TYPE_CHECKING:\n    import pymc"),
        (libraries_stay_in_their_modules, "compare.py", "import matplotlib.pyplot as plt"),
        (libraries_stay_in_their_modules, "compare.py", "import arviz_plots"),
        (libraries_stay_in_their_modules, "backtesting.py", "from dask.distributed import Client"),
        (package_and_cli_start_light, "cli.py", "import numpy as np"),
        (package_and_cli_start_light, "__init__.py", "from scipy.stats import norm"),
        (package_and_cli_start_light, "cli.py", "if x:\n    import pandas"),
        (files_are_short, "curve.py", "x = 1\n" * (MAX_LINES + 1)),
        (files_are_short, "report/page.html", "<br>\n" * (MAX_LINES + 1)),
    ],
)
def test_rule_finds_breach(rule, path, text):
    breaches = rule({path: text})
    assert len(breaches) == 1
    assert path in breaches[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("runs.py", "import numpy as np\nfrom palm_bayes.curve import accuracy"),
        ("report/page.py", "from palm_bayes.report import parts\nfrom . import parts as p"),
        ("model.py", "import pymc as pm\nfrom palm_bayes import __version__"),
        ("convergence.py", "import arviz_stats"),
        ("plots.py", "import arviz_plots\nimport matplotlib"),
        ("sweep.py", "def f():\n    import dask"),
        ("palm_fit.py", "def f():\n    from palm_bayes.decide import decide"),
        ("palm_fit.py", "if TYPE_CHECKING:\n    from palm_bayes.decide import Decision"),
        ("cli.py", "import typer\nimport palm_bayes\nfrom palm_bayes.errors import PalmError"),
        ("cli.py", "def f():\n    import numpy\n    from palm_bayes import fit"),
        ("__init__.py", "if TYPE_CHECKING:\n    from palm_bayes.fit import PalmFit"),
        ("curve.py", "x = 1\n" * MAX_LINES),
    ],
)
def test_rules_pass_over(path, text):
    assert [breach for rule in RULES for breach in rule({path: text})] == []


def test_weight_is_passed_on():
    sources = {
        "curve.py": "import numpy as np",
        "runs.py": "from palm_bayes.curve import accuracy",
        "errors.py": "",
        "__init__.py": "from palm_bayes.errors import PalmError",
        "cli.py": "from palm_bayes.errors import PalmError\nfrom palm_bayes.runs import Runs",
    }
    (breach,) = package_and_cli_start_light(sources)
    assert breach.startswith("cli.py:2 imports palm_bayes.runs.Runs")


def test_else_of_type_checking_runs():
    text = "if TYPE_CHECKING:\n    import pandas\nelse:\n    import numpy"
    assert [found.at_start for found in imports({"cli.py": text})] == [False, True]
