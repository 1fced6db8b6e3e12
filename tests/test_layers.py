"""The direction of the package: who may import whom, read from the source without importing it.

Every rule maps the package's sources, as ``{"errors.py": text, "report/page.py": text}``, to a list
of breaches, one line each. The rules run on the real package and, to show that they can fail, on
small made-up ones.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest

PACKAGE = Path(__file__).parents[1] / "palm_bayes"

# Rooms in order, each with its modules in order; a module of the package itself is a room without
# any. A module imports only from what comes before it, in functions and for types too.
LAYOUT = """
    version:
    errors:
    arrays:
    scratch:
    files:
    caches:
    display:
    data:       limits cells score validation runs budgets alignment checks quantiles example
    reading:    options columns column_choice run_names opening sqlite run_arrays in_memory
                decimal_commas tables palm_folder sheet label_counts mlflow sources means
                summaries ambiguous_columns trackers one_row_per_run layouts cleaning read tasks
    model:      curve noise misfit expected learned variables known_noise priors curve_regions
                coordinates noise_coordinates steps likelihood_passes likelihood build
                one_strategy
    inference:  settings convergence draws weights pointwise predictive_check partial_pooling saved
                graph_key compile_cache approximation evidence nuts joint trace power_scaling
                predictive posterior separate_fits fitting importance_refit
    plots:      style view enlarged curves comparison uncertainty ranking budget backtest sweep
    forecast:   repetitions forecast worth baselines
    decisions:  doubts trajectories pairwise compare alda label_budget projection rule_logic
                stopping_rules decide prior_weight information_value
    evaluation: scores checkpoints cells provenance runner backtest_result backtest held_out
                learn_result past_fits search learn meta_analysis sweep_result answers sweep
    report:     tables place export alda_csv contents ask recipe parts sections
                page overview
    palm_fit:
    sweeping:
    run_writer:
    monitor:
    __init__:
    cli:        completion options source console help terminal fit backtest compare learn
                stop report sweep app
    __main__:
"""


def in_order(layout: str) -> Iterator[str]:
    """Give "data.validation" and so on; a room's own `__init__`, called "data", is its last."""
    room = ""
    for word in layout.split():
        if not word.endswith(":"):
            yield f"{room}.{word}"
            continue
        if room:
            yield room
        room = word[:-1]
    yield room


ORDER = list(in_order(LAYOUT))
RANK = {module: rank for rank, module in enumerate(ORDER)}

# Library -> the only rooms, or modules, that may import it, wherever the import stands.
ONLY_IN = {
    library: places
    for libraries, places in [
        (("pymc", "pytensor", "nutpie"), ("model", "inference")),
        (("arviz", "arviz_base", "arviz_stats"), ("inference",)),
        (("matplotlib", "arviz_plots"), ("plots", "report.parts")),
        (("jinja2", "markupsafe"), ("report.page",)),
        (("typer", "rich"), ("cli",)),
        (("dask", "distributed"), ("evaluation.runner",)),
    ]
    for library in libraries
}
# Modules of `model` that are array functions, of NumPy or PyTensor as they are told.
ARRAYS = {f"model.{name}" for name in ("curve", "noise", "misfit", "expected", "curve_regions")}

HEAVY = {"numpy", "pandas", "scipy", "xarray", *ONLY_IN} - {"typer", "rich"}
MUST_START_LIGHT = {"__init__", "__main__", "cli"}

MAX_LINES = 350
COUNTED = {".css", ".html", ".j2", ".js", ".py"}

type Sources = dict[str, str]


@dataclass(frozen=True)
class Import:
    """One imported name and where it stands."""

    path: str
    line: int
    target: str  # absolute and dotted: "numpy.linalg", "palm_bayes.model.curve"
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
        first, second = (*self.target.split(".")[1:3], "", "")[:2]
        if f"{first}.{second}" in RANK:
            return f"{first}.{second}"
        # Any other name is one that the package itself gives: `from palm_bayes import PalmFit`.
        return first if first in RANK else "__init__"

    @property
    def at_start(self) -> bool:
        """Whether importing the module runs this import."""
        return not (self.deferred or self.typing_only)

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.target}"


def module_of(path: str) -> str:
    """Name as in ORDER: "data.runs" of data/runs.py, "data" of data/__init__.py."""
    *folders, name = PurePosixPath(path).with_suffix("").parts
    return ".".join(folders if folders and name == "__init__" else [*folders, name])


def lies_in(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


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
            return [".".join([*base, alias.name]) for alias in node.names]
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ) if not name.startswith("."):
            return [name]
    return []


def modules_have_places(sources: Sources) -> list[str]:
    return [
        f"{path}: give {module_of(path)!r} a place in LAYOUT of tests/test_layers.py"
        for path in sources
        if path.endswith(".py") and module_of(path) not in RANK
    ]


def data_flow_one_way(sources: Sources) -> list[str]:
    return [
        f"{found}, which is not before it"
        for found in imports(sources)
        if found.module is not None and RANK.get(found.importer, -1) <= RANK[found.module]
    ]


def there_is_no_cycle(sources: Sources) -> list[str]:
    """Tell a cycle of imports, wherever they stand; it needs no ORDER."""
    before: dict[str, set[str]] = {}
    for found in imports(sources):
        if found.module is not None:
            before.setdefault(found.importer, set()).add(found.module)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        return [f"imports in a cycle: {' <- '.join(error.args[1])}"]
    return []


def libraries_stay_in_their_rooms(sources: Sources) -> list[str]:
    return [
        f"{found}, which only {', '.join(ONLY_IN[found.library]) or 'nobody'} may"
        for found in imports(sources)
        if found.library in ONLY_IN
        and (
            found.importer in ARRAYS
            or not any(lies_in(found.importer, place) for place in ONLY_IN[found.library])
        )
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
        if any(lies_in(found.importer, place) for place in MUST_START_LIGHT)
        and (found.library in HEAVY or found.module in heavy)
    ]


def files_are_short(sources: Sources) -> list[str]:
    return [
        f"{path} has {lines} lines, more than {MAX_LINES}"
        for path, text in sources.items()
        if (lines := len(text.splitlines())) > MAX_LINES
    ]


RULES: list[Callable[[Sources], list[str]]] = [
    modules_have_places,
    data_flow_one_way,
    there_is_no_cycle,
    libraries_stay_in_their_rooms,
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


def test_all_that_has_a_place_is_there(package):
    assert set(RANK) == {module_of(path) for path in package if path.endswith(".py")}
    assert set(RANK) >= ARRAYS | {place for places in ONLY_IN.values() for place in places}


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (modules_have_places, "helpers.py", ""),
        (modules_have_places, "data/helpers.py", ""),
        (modules_have_places, "helpers/__init__.py", ""),
        (data_flow_one_way, "data/validation.py", "from palm_bayes.data.runs import Runs"),
        (data_flow_one_way, "data/validation.py", "import palm_bayes.data.runs as r"),
        (data_flow_one_way, "data/validation.py", "from palm_bayes.data import runs"),
        (data_flow_one_way, "data/validation.py", "from palm_bayes.data import write_example"),
        (data_flow_one_way, "data/validation.py", "from palm_bayes.reading import columns"),
        (data_flow_one_way, "data/validation.py", "from palm_bayes import PalmFit"),
        (data_flow_one_way, "data/validation.py", "import palm_bayes"),
        (data_flow_one_way, "data/validation.py", "from . import runs"),
        (data_flow_one_way, "data/validation.py", "from .runs import Runs"),
        (data_flow_one_way, "data/__init__.py", "from palm_bayes.model import curve"),
        (data_flow_one_way, "data/runs.py", "from palm_bayes.data.runs import Runs"),
        (data_flow_one_way, "report/page.py", "from ..cli.app import main"),
        (data_flow_one_way, "report/page.py", "from .. import cli"),
        (data_flow_one_way, "data/runs.py", "def f():\n    from palm_bayes.model import curve"),
        (data_flow_one_way, "data/runs.py", "import_module('palm_bayes.model.curve')"),
        (data_flow_one_way, "decisions/decide.py", "from palm_bayes.palm_fit import PalmFit"),
        (
            data_flow_one_way,
            "decisions/decide.py",
            "if TYPE_CHECKING:\n    from palm_bayes.palm_fit import PalmFit",
        ),
        (
            data_flow_one_way,
            "plots/budget.py",
            "if TYPE_CHECKING:\n    from palm_bayes.decisions.label_budget import LabelsToReach",
        ),
        (libraries_stay_in_their_rooms, "data/runs.py", "import pytensor.tensor as pt"),
        (libraries_stay_in_their_rooms, "data/runs.py", "from arviz_base import from_dict"),
        (libraries_stay_in_their_rooms, "model/curve.py", "import pytensor.tensor as pt"),
        (libraries_stay_in_their_rooms, "palm_fit.py", "def f():\n    import pymc"),
        (libraries_stay_in_their_rooms, "palm_fit.py", "f = lambda: __import__('nutpie')"),
        (libraries_stay_in_their_rooms, "palm_fit.py", "importlib.import_module('pymc')"),
        (libraries_stay_in_their_rooms, "palm_fit.py", "try:\n    import pymc\nfinally:\n    pass"),
        (libraries_stay_in_their_rooms, "palm_fit.py", "if TYPE_CHECKING:\n    import pymc"),
        (libraries_stay_in_their_rooms, "decisions/compare.py", "import matplotlib.pyplot as plt"),
        (libraries_stay_in_their_rooms, "decisions/compare.py", "import arviz_plots"),
        (libraries_stay_in_their_rooms, "report/page.py", "import typer"),
        (libraries_stay_in_their_rooms, "cli/app.py", "import jinja2"),
        (
            libraries_stay_in_their_rooms,
            "evaluation/backtest.py",
            "from dask.distributed import Client",
        ),
        (package_and_cli_start_light, "cli/app.py", "import numpy as np"),
        (package_and_cli_start_light, "__init__.py", "from scipy.stats import norm"),
        (package_and_cli_start_light, "cli/stop.py", "if x:\n    import pandas"),
        (files_are_short, "errors.py", "x = 1\n" * (MAX_LINES + 1)),
        (files_are_short, "report/page.html", "<br>\n" * (MAX_LINES + 1)),
    ],
)
def test_rule_finds_breach(rule, path, text):
    breaches = rule({path: text})
    assert len(breaches) == 1
    assert path in breaches[0]


@pytest.mark.parametrize(
    "importing",
    [
        "from palm_bayes.data.runs import Runs",
        "def f():\n    from palm_bayes.data import runs",
        "if TYPE_CHECKING:\n    from palm_bayes.data.runs import Runs",
        "from .runs import Runs",
    ],
)
def test_cycles_are_found_wherever_they_close(importing):
    sources = {
        "data/validation.py": importing,
        "data/runs.py": "from palm_bayes.data.checks import oddities",
        "data/checks.py": "from palm_bayes.data.validation import RUN",
        "data/budgets.py": "from palm_bayes.data.runs import Runs",
    }
    (breach,) = there_is_no_cycle(sources)
    for module in ("data.validation", "data.runs", "data.checks"):
        assert module in breach
    assert "data.budgets" not in breach
    del sources["data/checks.py"]
    assert there_is_no_cycle(sources) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("data/runs.py", "import numpy as np\nfrom palm_bayes.data.validation import RUN"),
        ("data/__init__.py", "from palm_bayes.data.example import write_example"),
        ("report/page.py", "from palm_bayes.report import parts\nfrom . import parts as p"),
        ("model/build.py", "import pymc as pm\nfrom palm_bayes.version import __version__"),
        ("inference/convergence.py", "import arviz_stats"),
        ("plots/curves.py", "import arviz_plots\nimport matplotlib"),
        (
            "decisions/compare.py",
            "def f():\n    from palm_bayes.plots.ranking import plot_ranking",
        ),
        ("palm_fit.py", "from palm_bayes.decisions.decide import decide"),
        (
            "decisions/decide.py",
            "if TYPE_CHECKING:\n    from palm_bayes.inference.posterior import Posterior",
        ),
        ("cli/app.py", "import typer\nimport palm_bayes\nfrom palm_bayes.errors import PalmError"),
        ("cli/app.py", "def f():\n    import numpy\n    from palm_bayes import fit"),
        ("__init__.py", "if TYPE_CHECKING:\n    from palm_bayes.palm_fit import PalmFit"),
        ("errors.py", "x = 1\n" * MAX_LINES),
    ],
)
def test_rules_pass_over(path, text):
    assert [breach for rule in RULES for breach in rule({path: text})] == []


def test_weight_is_passed_on():
    sources = {
        "data/validation.py": "import numpy as np",
        "data/runs.py": "from palm_bayes.data.validation import RUN",
        "errors.py": "",
        "__init__.py": "from palm_bayes.errors import PalmError",
        "cli/app.py": "from palm_bayes.errors import PalmError\nfrom palm_bayes.data import runs",
    }
    (breach,) = package_and_cli_start_light(sources)
    assert breach.startswith("cli/app.py:2 imports palm_bayes.data.runs")


def test_else_of_type_checking_runs():
    text = "if TYPE_CHECKING:\n    import pandas\nelse:\n    import numpy"
    assert [found.at_start for found in imports({"cli/app.py": text})] == [False, True]
