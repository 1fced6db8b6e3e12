"""Questions and answers of a report."""

import pytest
import xarray as xr

from palm_bayes.errors import DataError
from palm_bayes.report.contents import Questions, report_of


def test_its_expected_curves_are_those_of_a_forecast(report, fit):
    xr.testing.assert_identical(report.expected, fit.forecast(horizon=18).draws)


def test_its_reliability_is_that_of_its_furthest_answer(fit):
    """No strategy reaches the target by 960 labels."""
    report = report_of(fit, Questions(target=0.99))
    assert report.furthest == report.answered == report.needed.until > report.until
    assert fit.worth(960) in report.verdict["Can it be relied on?"]


def test_what_needs_no_forecast_extends_as_far_as_the_command_says(fit):
    """A target that is reached: to stop, and to compare today, need no forecast."""
    easy = report_of(fit, Questions(target=0.5))
    assert (easy.decision.action, easy.decision.answered, easy.answered) == ("stop", 240, 240)
    assert (
        "The forecast does not go beyond the data. Tables and figures extend to 4.0 times"
        in (easy.verdict["Can it be relied on?"])
    )


def test_a_budget_needs_a_target(fit):
    with pytest.raises(DataError, match="is only a limit: add --target or a stop rule"):
        report_of(fit, Questions(within=600))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"strategy": "entrpy"}, "no strategy 'entrpy': there are .* did you mean 'entropy'"),
        ({"strategy": 3}, "no strategy 3: there are"),
        ({"target": 0.93, "within": "all"}, "within is 'all', but must be a number"),
        ({"target": 0.93, "within": 600, "pool": "all"}, "pool is 'all', but must be a number"),
        ({"assurance": object()}, "assurance is <object .*, but must be a number"),
        ({"probability": "0.9"}, "probability is '0.9', but must be a number"),
        ({"rule": "stop"}, "rule is 'stop', but must be a stop rule"),
        ({"force": "no"}, "force is 'no', but must be True or False"),
    ],
)
def test_wrong_questions_are_one_line(fit, asked, said):
    with pytest.raises(DataError, match=said):
        report_of(fit, Questions(**asked))


def test_a_budget_is_of_the_pool():
    with pytest.raises(DataError, match="is 600, but must be at most the pool"):
        Questions(within=600, pool=599)
    assert Questions(within=600, pool=600).pool == 600


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        (Questions(), 240),
        (Questions(target=0.93, within=600), 600),
        (Questions(target=0.93, within=600, at=300), 300),
        (Questions(target=0.5), 240),
    ],
)
def test_strategies_are_compared_where_the_question_is(fit, asked, at):
    assert report_of(fit, asked).comparison.at == at


def test_nothing_is_compared_at_0_labels(fit):
    for asked in (Questions(at=0), Questions(target=0.93, within=600, at=0)):
        with pytest.raises(DataError, match="at is 0, but must be at least"):
            report_of(fit, asked)
