"""Names of columns, and the words that they stand for."""

import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading import columns


def test_no_name_stands_for_two_words():
    names = [columns.clean(name) for group in columns.COLUMNS.values() for name in group]
    assert len(names) == len({*names})


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Test acc. (%)", "accuracy"),
        ("# Labels", "labels"),
        ("Labels (%)", "share"),
        ("n_labelled", "labels"),
        ("accuracy (std)", None),  # a spread, unlike "accuracy (mean)"
        ("accuracy (mean)", "accuracy"),
        ("metrics.test_acc", None),
    ],
)
def test_words_of_names(name, word):
    assert columns.word_of(name) == word


def test_groups_of_settings_and_metrics_do_not_matter():
    assert columns.stands_for("metrics.test_acc") == "accuracy"
    assert columns.stands_for("config/seed") == "repetition"
    assert columns.stands_for("mine/seed") is None


@pytest.mark.parametrize(
    ("name", "kind", "of"),
    [
        ("margin (std)", "sd", "margin"),
        ("acc_sem", "se", "acc"),
        ("standard error of acc", "se", "acc"),
        ("var acc", "var", "acc"),
        ("acc ±", "?", "acc"),
        ("std_err", "?", ""),  # of an error, perhaps
        ("std (5 seeds)", "sd", ""),
        ("acc_mean", "", "acc"),
    ],
)
def test_names_of_spreads(name, kind, of):
    assert columns.spread_kind(name) == kind
    assert columns.measured(name) == of


def test_percent_is_a_unit_and_no_count():
    assert columns.in_percent("Accuracy (%)")
    assert columns.in_percent("acc_pct")
    assert not columns.in_percent("random 10%")


def test_errors_by_their_names():
    assert columns.is_error("test/error")
    assert not columns.is_error("test_loss_total")
    assert columns.seems_error("test_loss_total")
    assert not columns.seems_error("accuracy_error")  # of an accuracy
    with pytest.raises(DataError, match="columns err, loss all are errors: choose by"):
        columns.error_among(["labels", "err", "loss"], "")
