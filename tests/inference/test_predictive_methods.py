"""What help shows of the methods that compute by PyMC."""

import inspect

import pytest

from palm_bayes.palm_fit import PalmFit


@pytest.mark.parametrize("name", ["full_trace", "predictive_model"])
def test_help_has_all_arguments(name):
    method = getattr(PalmFit, name)
    _, *arguments = inspect.signature(method).parameters.values()
    said = inspect.getdoc(method).partition("Parameters\n---")[2].partition("Returns\n---")[0]
    for argument in arguments:
        assert argument.kind is not argument.VAR_KEYWORD
        assert argument.default is not argument.empty
        assert argument.name in said
