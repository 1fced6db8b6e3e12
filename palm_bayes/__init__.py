"""Bayesian toolkit for active-learning curves.

``fit`` takes labelled runs to a posterior of the PALM model, ``backtest`` measures how far its
forecasts can be trusted; ``Target``, ``NetValue`` and the like are rules that tell a fit when to
stop; see their docstrings. Names are loaded when they are first used, so that importing the package
costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from palm_bayes.backtest_result import Backtest
    from palm_bayes.backtesting import backtest
    from palm_bayes.budget import LabelsToReach
    from palm_bayes.compare import Comparison
    from palm_bayes.decide import Decision
    from palm_bayes.errors import ConvergenceError, DataError, PalmError, PalmWarning
    from palm_bayes.fitting import fit_runs as fit
    from palm_bayes.forecast import Forecast
    from palm_bayes.learned import Learned
    from palm_bayes.learning import learn
    from palm_bayes.misfit import Misfit
    from palm_bayes.model import build_model
    from palm_bayes.monitor import StopMonitor
    from palm_bayes.palm_fit import PalmFit
    from palm_bayes.pilot import PilotValue, pilot_value
    from palm_bayes.priors import Priors, named_priors
    from palm_bayes.readers import read_runs
    from palm_bayes.rules import Budget, NetValue, Plateau, Pool, Target, Unreachable
    from palm_bayes.runs import Runs

__version__ = "0.1.0.dev0"

_HOME = {
    "Backtest": "backtest_result",
    "Budget": "rules",
    "Comparison": "compare",
    "ConvergenceError": "errors",
    "DataError": "errors",
    "Decision": "decide",
    "Forecast": "forecast",
    "LabelsToReach": "budget",
    "Learned": "learned",
    "Misfit": "misfit",
    "NetValue": "rules",
    "PalmError": "errors",
    "PalmFit": "palm_fit",
    "PalmWarning": "errors",
    "PilotValue": "pilot",
    "Plateau": "rules",
    "Pool": "rules",
    "Priors": "priors",
    "Runs": "runs",
    "StopMonitor": "monitor",
    "Target": "rules",
    "Unreachable": "rules",
    "backtest": "backtesting",
    "build_model": "model",
    "fit": "fitting",
    "learn": "learning",
    "named_priors": "priors",
    "pilot_value": "pilot",
    "read_runs": "readers",
}
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
    "Runs",
    "StopMonitor",
    "Target",
    "Unreachable",
    "__version__",
    "backtest",
    "build_model",
    "fit",
    "learn",
    "named_priors",
    "pilot_value",
    "read_runs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'palm_bayes' has no attribute {name!r}")
    module = import_module(f"palm_bayes.{_HOME[name]}")
    value = getattr(module, "fit_runs" if name == "fit" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
