"""Tables of text: those of the commands are those of the page."""

from dataclasses import replace

from palm_bayes.data.score import Score
from palm_bayes.decisions.information_value import pilot_value
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report.tables import budgeted, compared, decided, piloted


def test_a_page_shows_the_tables_of_the_commands(fit, page, report):
    found = fit.labels_to_reach(0.93, within=600)
    rule = report.questions.stop_rule
    shown = budgeted(found) | compared(fit.compare(600)) | decided(fit.decide(rule))
    cells = [cell for table in shown.values() for cell in table.to_numpy().ravel()]
    assert [cell for cell in cells if cell not in page.text] == []


def test_one_point_is_not_one_points(fit):
    in_percent = PalmFit(replace(fit.runs, score=Score(percent=True)), fit.trace, fit.convergence)
    assert next(iter(compared(in_percent.compare()))).endswith("by more than 1 point:")


def test_aldas_rule_says_that_it_is_of_the_expected_curves(fit):
    """Also where single runs were asked for."""
    _, heading = budgeted(fit.labels_to_reach(0.9))
    assert heading == "ALDA's rule:"
    _, heading = budgeted(fit.labels_to_reach(0.9, scope="new"))
    assert heading == "ALDA's rule, of the expected curves:"


def test_small_values_of_pilots_keep_sign_and_digits(fit):
    """By the standard error beside it one tells whether a value is above 0."""
    found = pilot_value(fit, 600)
    small = found.table.assign(value=-0.00012, error=0.00031)
    (table,) = piloted(replace(found, table=small)).values()
    assert set(table["value"]) == {"-0.00012"}
    assert set(table["standard error"]) == {"0.00031"}
