"""Bayesian toolkit for active-learning curves.

``fit`` computes a posterior of the PALM model from runs; ``backtest`` measures how far ahead its
forecasts are reliable; ``Target``, ``NetValue`` and the like are stop rules for a fit; see their
docstrings. Names are loaded on first use, so that importing the package is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from palm_bayes.version import __version__

if TYPE_CHECKING:
    from palm_bayes.data.runs import Runs
    from palm_bayes.decisions.compare import Comparison
    from palm_bayes.decisions.decide import Decision
    from palm_bayes.decisions.information_value import PilotValue, pilot_value
    from palm_bayes.decisions.label_budget import LabelsToReach
    from palm_bayes.decisions.stopping_rules import (
        Budget,
        NetValue,
        Plateau,
        Pool,
        Target,
        Unreachable,
    )
    from palm_bayes.errors import ConvergenceError, DataError, PalmError, PalmWarning
    from palm_bayes.evaluation.backtest import backtest
    from palm_bayes.evaluation.backtest_result import Backtest
    from palm_bayes.evaluation.learn import learn
    from palm_bayes.evaluation.sweep_result import Sweep
    from palm_bayes.forecast.forecast import Forecast
    from palm_bayes.model.build import build_model
    from palm_bayes.model.learned import Learned
    from palm_bayes.model.misfit import Misfit
    from palm_bayes.model.priors import Priors, named_priors
    from palm_bayes.monitor import StopMonitor
    from palm_bayes.palm_fit import PalmFit
    from palm_bayes.palm_fit import fit_runs as fit
    from palm_bayes.reading.read import read_runs
    from palm_bayes.reading.read import read_runs as read
    from palm_bayes.run_writer import RunWriter
    from palm_bayes.sweeping import sweep

_HOME = {
    "Backtest": "evaluation.backtest_result",
    "Budget": "decisions.stopping_rules",
    "Comparison": "decisions.compare",
    "ConvergenceError": "errors",
    "DataError": "errors",
    "Decision": "decisions.decide",
    "Forecast": "forecast.forecast",
    "LabelsToReach": "decisions.label_budget",
    "Learned": "model.learned",
    "Misfit": "model.misfit",
    "NetValue": "decisions.stopping_rules",
    "PalmError": "errors",
    "PalmFit": "palm_fit",
    "PalmWarning": "errors",
    "PilotValue": "decisions.information_value",
    "Plateau": "decisions.stopping_rules",
    "Pool": "decisions.stopping_rules",
    "Priors": "model.priors",
    "RunWriter": "run_writer",
    "Runs": "data.runs",
    "StopMonitor": "monitor",
    "Sweep": "evaluation.sweep_result",
    "Target": "decisions.stopping_rules",
    "Unreachable": "decisions.stopping_rules",
    "backtest": "evaluation.backtest",
    "build_model": "model.build",
    "fit": "palm_fit",
    "learn": "evaluation.learn",
    "named_priors": "model.priors",
    "pilot_value": "decisions.information_value",
    "read": "reading.read",
    "read_runs": "reading.read",
    "sweep": "sweeping",
}
_WITHIN = {"fit": "fit_runs", "read": "read_runs"}
"""Names in their modules, where they differ; `read_runs` is the earlier name of `read`."""
__all__ = [
    "Backtest",
    "Budget",
    "Comparison",
    "ConvergenceError",
    "DataError",
    "Decision",
    "Forecast",
    "LabelsToReach",
    "Learned",
    "Misfit",
    "NetValue",
    "PalmError",
    "PalmFit",
    "PalmWarning",
    "PilotValue",
    "Plateau",
    "Pool",
    "Priors",
    "RunWriter",
    "Runs",
    "StopMonitor",
    "Sweep",
    "Target",
    "Unreachable",
    "__version__",
    "backtest",
    "build_model",
    "fit",
    "learn",
    "named_priors",
    "pilot_value",
    "read",
    "read_runs",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'palm_bayes' has no attribute {name!r}")
    module = import_module(f"palm_bayes.{_HOME[name]}")
    value = getattr(module, _WITHIN.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
