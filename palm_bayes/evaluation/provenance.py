"""Settings that stored results depend on, so that different ones are not mixed."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import numpy as np

from palm_bayes.errors import PalmError
from palm_bayes.inference.settings import Settings
from palm_bayes.model.learned import Learned
from palm_bayes.model.priors import Priors
from palm_bayes.model.variables import VERSION
from palm_bayes.version import __version__

FAILURES = (ArithmeticError, PalmError, np.linalg.LinAlgError)
"""Errors that data may cause; any other is a bug."""


def settings_of(priors: str | Priors, learned: Learned, settings: Settings) -> Mapping[str, Any]:
    """Return the settings of fits that their draws depend on, with versions."""
    given = asdict(settings)
    del given["cores"]  # affects speed only
    return {
        # Distributions have no identifying name: parts made with custom priors match no others.
        "priors": priors if isinstance(priors, str) else f"own, {uuid4()}",
        **given,
        "learned": {name: learned.document()[name] for name in ("priors", "misfit")},
        "model": VERSION,
        "palm-bayes": __version__,
        **{name: version(name) for name in ("pymc", "nutpie", "numpy", "scipy")},
    }


def in_words(error: Exception) -> str:
    """Format an error in one line, with its kind."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
