"""A score in the user's own unit and direction, and as a fraction."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.checks import oddities
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError, PalmWarning
from palm_bayes.reading.read import read_runs


def test_targets_are_in_the_scale_of_the_data(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    assert percent.score.goal(90) == 0.9
    with pytest.raises(
        DataError, match=r"the target is 0\.9, but the data are in percent: give 90"
    ):
        percent.score.goal(0.9)
    for bad in (0, 1.2, 9, 101, "120%", float("nan")):
        with pytest.raises(DataError, match=r"the target is .*at most 1, the scale of the data"):
            runs.score.goal(bad)


@pytest.mark.parametrize("given", ["93%", " 93 % ", 93, 93.0])
def test_percent_is_understood_in_either_scale(made_up, given):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    with pytest.warns(PalmWarning, match=r"the target  ?93( ?% ?)? is read as 0\.93, since"):
        assert runs.score.target(given) == 0.93
    assert percent.score.target(given) == 93
    assert percent.score.goal(given) == 0.93
    assert percent.score.target("0.5%") == 0.5


def test_text_that_is_no_number_is_refused(made_up):
    for bad in ("high", "", "%", "93%%"):
        with pytest.raises(DataError, match=r"must be a number .* or percent such as 93%"):
            made_up.task({"a": (0.1, 0.2)}).score.target(bad)


ERROR = Score("error rate", lower_is_better=True)


@pytest.mark.parametrize("percent", [False, True])
@pytest.mark.parametrize("lower", [False, True])
def test_values_go_in_and_come_out_as_they_were(percent, lower):
    score = Score("s", percent, lower)
    given = np.array([0, 0.05, 0.3, 1]) * score.unit
    inside = score.fractions(given)
    assert inside == pytest.approx([1, 0.95, 0.7, 0] if lower else [0, 0.05, 0.3, 1])
    assert score.values(inside) == pytest.approx(given)
    # A gain of 0.1 is a fall of an error by as much.
    assert score.sizes(0.1) == pytest.approx(0.1 * score.unit)
    assert score.differences(0.1) == pytest.approx((-1 if lower else 1) * 0.1 * score.unit)


def test_a_target_of_an_error_is_at_most_that_error():
    assert ERROR.target(0.05) == 0.05
    assert ERROR.goal(0.05) == 0.95
    assert ERROR.goal(0) == 1
    with pytest.warns(PalmWarning, match=r"5% is read as 0\.05"):
        assert ERROR.goal("5%") == 0.95
    with pytest.raises(DataError, match="is 1, but must be at least 0 and below 1, the scale"):
        ERROR.goal(1)


def test_small_errors_in_percent_are_targets_too():
    percent = Score("error", percent=True, lower_is_better=True)
    assert percent.target(0.5) == 0.5
    assert percent.goal(5) == 0.95
    with pytest.raises(DataError, match=r"0\.05, but the data are in percent: give 5, or 0\.05%"):
        percent.target(0.05)
    assert percent.target("0.05%") == 0.05


def test_words():
    assert (Score().axis, Score("mAP", percent=True).axis) == ("Accuracy", "mAP (%)")
    assert (ERROR.title, Score("f1_macro").title) == ("Error rate", "f1_macro")
    assert (ERROR.better, ERROR.worse, ERROR.best) == ("below", "above", "minimum")
    assert (ERROR.shown(0.95), Score(percent=True).shown(0.95)) == ("0.050", "95.0 %")
    assert ERROR.turned == "PALM's curve and parameters describe 1 minus the error rate."
    assert not Score().turned


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 41])
def test_names_that_are_none(name):
    with pytest.raises(DataError, match="the name of the score is"):
        Score(name)


def frame(values, name="accuracy"):
    """One run of as many episodes."""
    labels = np.arange(1, len(values) + 1) * 10
    return pd.DataFrame({"strategy": "a", "labels": labels, name: values})


FALLS = [0.4, 0.3, 0.2, 0.15, 0.1]


def test_errors_are_read_turned_and_said():
    runs = read_runs(frame(FALLS, "error_rate"), lower_is_better=True)
    assert runs.score == Score("error_rate", lower_is_better=True)
    assert runs.table["accuracy"].tolist() == pytest.approx([0.6, 0.7, 0.8, 0.85, 0.9])
    said = " ".join(runs.notes)
    assert "score is error_rate" in said
    assert "Lower is better: 1 minus the error_rate is fitted." in said
    assert not oddities(runs)[1:]  # one repetition, and nothing else
    percent = read_runs(frame(np.multiply(FALLS, 100)), lower_is_better=True, metric="top-1 error")
    assert percent.score == Score("top-1 error", percent=True, lower_is_better=True)
    assert percent.table["accuracy"].tolist() == pytest.approx([0.6, 0.7, 0.8, 0.85, 0.9])


def test_the_column_names_the_score_unless_it_is_an_accuracy():
    rises = [0.1, 0.2, 0.3, 0.35, 0.4]
    for column, metric in {"f1_macro": "f1_macro", "test_acc": "accuracy"}.items():
        assert read_runs(frame(rises, column)).score.metric == metric
    assert read_runs(frame(rises, "mIoU"), columns={"accuracy": "mIoU"}).score.metric == "mIoU"
    assert read_runs(frame(rises, "auc"), metric="AUC").score.metric == "AUC"


def test_oddities_of_errors_are_said_of_errors():
    rising = read_runs(frame([0.1, 0.2, 0.3, 0.35, 0.4]), lower_is_better=True)
    said = " ".join(oddities(rising))
    assert "Ends above its start (a): a PALM curve cannot rise, where lower is better." in said
    assert "read it without lower_is_better" in said
    assert "lower_is_better=True (--lower-is-better)" in " ".join(oddities(read_runs(frame(FALLS))))


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([7.3, 4.1, 3.0, 2.2], {"lower_is_better": True}, r"is 7\.3, .*max\(1 - error / e0, 0\)"),
        ([3.2, 1.5, 0.9, 0.8], {"metric": "RMSE"}, r"RMSE is 3\.2, .*constant prediction"),
        ([137, 90, 80, 70], {"lower_is_better": True}, r"error is 137, .*without an upper bound"),
        ([-0.3, 0.1, 0.4, 0.5], {"metric": "R2"}, r"R2 is -0\.3, .*give max\(score, 0\)"),
        ([10, 120, 130, 135], {}, r"accuracy is 120, .*share of the largest possible value"),
    ],
)
def test_what_palm_cannot_describe_is_refused_with_what_would_do(values, options, said):
    with pytest.raises(DataError, match=said):
        read_runs(frame(values), **options)


def test_errors_of_a_few_percent_are_read_if_said_to_be_percent():
    runs = read_runs(frame([7.3, 4.1, 3.0, 2.2]), lower_is_better=True, percent=True)
    assert runs.table["accuracy"].iloc[0] == pytest.approx(0.927)


def test_two_columns_of_errors_are_asked_about():
    table = frame(FALLS, "error").assign(loss=FALLS)
    with pytest.raises(DataError, match="--column accuracy=error or --column accuracy=loss"):
        read_runs(table, lower_is_better=True)
    with pytest.raises(DataError, match="errors are read with --lower-is-better"):
        read_runs(frame(FALLS, "error").assign(loss=FALLS))


def test_the_name_of_a_score_is_text():
    with pytest.raises(DataError, match="the name of the score is of type int, but must be text"):
        Score(3)
