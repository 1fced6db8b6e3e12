"""The package itself: its names, found when they are first used."""

import subprocess
import sys
from importlib import import_module
from inspect import isfunction

import pytest

import palm_bayes

HEAVY = (
    "arviz",
    "h5netcdf",
    "matplotlib",
    "numpy",
    "nutpie",
    "pandas",
    "pymc",
    "pytensor",
    "xarray",
)


def python(code):
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_loads_nothing_heavy():
    code = f"import sys, palm_bayes; print(*(name for name in {HEAVY} if name in sys.modules))"
    assert python(code) == []


def test_a_light_name_stays_light():
    code = "import sys; from palm_bayes import DataError; print('numpy' in sys.modules)"
    assert python(code) == ["False"]


@pytest.mark.parametrize("name", sorted(set(palm_bayes.__all__) - {"__version__"}))
def test_names_are_those_of_their_modules(name):
    home = import_module(f"palm_bayes.{palm_bayes._HOME[name]}")
    expected = {"fit": "fit_runs", "read": "read_runs"}.get(name, name)
    assert getattr(palm_bayes, name) is getattr(home, expected)


def test_fit_is_a_function_however_it_is_asked_for():
    import palm_bayes.forecast
    import palm_bayes.palm_fit

    assert isfunction(palm_bayes.fit)
    assert palm_bayes.fit is palm_bayes.palm_fit.fit_runs
    code = "import palm_bayes.palm_fit, palm_bayes; print(callable(palm_bayes.fit))"
    assert python(code) == ["True"]


def test_what_is_offered_is_listed():
    assert sorted(palm_bayes.__all__) == sorted({*palm_bayes._HOME, "__version__"})
    assert set(dir(palm_bayes)) >= set(palm_bayes.__all__)


def test_unknown_names():
    with pytest.raises(AttributeError, match="'palm_bayes' has no attribute 'fitt'"):
        _ = palm_bayes.fitt
    assert not hasattr(palm_bayes, "numpy")


def test_version():
    assert palm_bayes.__version__[0].isdigit()
