"""Parts of benchmarks that follow the model: a change to it must not break them unseen."""

from pathlib import Path

import numpy as np
import pytest

from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import NUMBERS

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("an unpacked copy of the package alone", allow_module_level=True)


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.mark.parametrize("name", ["default", "bounds"])
def test_the_model_in_plain_coordinates_has_the_present_priors(name):
    from ess import PARAMETERS, plain_model

    model = plain_model(named_priors(name))
    assert [variable.name for variable in model.free_RVs] == PARAMETERS
    assert len(PARAMETERS) == len(NUMBERS)
    assert all(np.isfinite(value).all() for value in model.initial_point().values())


def test_the_program_in_stan_is_compiled_with_all_of_its_data(fit):
    from peers import ANY_DATA
    from plain import NAIVE_IN_STAN, naive_data

    given = {"n", *naive_data(fit.runs.strategy("random"))}
    assert set(ANY_DATA) == given
    declared = NAIVE_IN_STAN[: NAIVE_IN_STAN.index("parameters")]
    assert all(f" {name};" in declared for name in given)


def test_what_is_foreseen_of_a_budget_is_what_the_package_answers(fit):
    from selection import chance

    asked = fit.labels_to_reach(0.93, within=400)
    table = asked.table.set_index("strategy")
    for strategy in fit.runs.strategies:
        assert chance(asked, strategy, 400.0) == pytest.approx(table.loc[strategy, "p_within"])
    assert 0 < table["p_within"].max() <= 1
