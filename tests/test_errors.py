"""Words that messages share."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.errors import (
    DataError,
    known,
    plural,
    real,
    require_flag,
    several,
    span,
    text,
    visible,
    whole,
)


def test_what_steers_a_terminal_is_shown():
    unseen = "\x1b[2J\x9b\t\n\u202e\u2028\ud800\ufeff"
    assert visible(unseen) == r"\x1b[2J\x9b\t\n\u202e\u2028\ud800\ufeff"
    assert visible(unseen, keep="\n").count("\n") == 1


@pytest.mark.parametrize("words", ["margin", "größe β 漢字", "👩\u200d🔬", "e\u0301", "a b"])
def test_text_stays(words):
    assert visible(words) == words


def test_long_quotes_are_shortened():
    said = str(DataError(f"runs.csv, line 3: accuracy is '{'1' * 200_000}', but must be 0 to 1"))
    assert said.startswith("runs.csv, line 3: accuracy is '111")
    assert said.endswith("111', but must be 0 to 1")
    assert "(200,003 characters)" in said
    assert len(said) < 300
    assert len(str(DataError("a b " * 10**6))) < 3000
    path = f"/{'/'.join(['folder'] * 40)}/runs.csv does not exist"
    assert str(DataError(path)) == path


def test_a_message_is_one_line():
    assert str(DataError("read\r\n  a\nb")) == "read a b"


def test_large_numbers_are_written_out():
    assert span([500, 12_812]) == "500 to 12,812"
    assert plural([100_000], "label", "labels") == "100,000 labels"
    assert span([0.05, float("nan"), 0.123456]) == "0.05 to 0.1235"


@pytest.mark.parametrize(
    "value", [10**400, 10**5000, "many", "0.5", b"1", True, None, [1], 1j], ids=type
)
def test_what_is_no_number_is_one_line(value):
    with pytest.raises(DataError, match=r"^the budget is (too large: it must be|.* a number$)"):
        real(value, "the budget")


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_what_is_no_whole_number_is_one_line(value):
    with pytest.raises(DataError, match=r"^workers is .*, but must be a whole number$"):
        whole(value, "workers", 0)


@pytest.mark.parametrize("value", ["no", "", None, 2, 0.5, [True], np.zeros(2), pd.NA])
def test_what_is_neither_true_nor_false_is_one_line(value):
    with pytest.raises(DataError, match=r"^force is .*, but must be True or False$"):
        require_flag(value, "force")


def test_truth_values_may_be_of_numpy_or_missing_where_allowed():
    for value in (True, False, np.True_, np.False_, 1, 0):
        require_flag(value, "force")
    require_flag(None, "percent", None)
    with pytest.raises(DataError, match=r"^percent is 'no', but must be True, False or None$"):
        require_flag("no", "percent", None)


def test_one_name_is_a_list_of_one():
    assert known("margin", ["random", "margin"], "strategy") == ["margin"]
    with pytest.raises(DataError, match=r"no strategy 'margn': .* did you mean 'margin'"):
        known("margn", ["random", "margin"], "strategy")


@pytest.mark.parametrize("names", [3, None, [3], ["random", ["x"]], [{}], [np.zeros(2)]])
def test_what_is_no_name_is_one_line(names):
    with pytest.raises(DataError, match=r"^no strategy .*: there are random, margin$"):
        known(names, ["random", "margin"], "strategy")


def test_one_value_is_a_list_of_one():
    assert several(5) == [5]
    assert several("margin") == ["margin"]
    assert several((5, 6)) == [5, 6]
    assert several(np.array(5)) == [np.array(5)]


def test_text_may_be_missing():
    assert text(None, "dataset") == ""
    assert text("digits", "dataset") == "digits"
    with pytest.raises(DataError, match=r"^dataset is of type int, but must be text$"):
        text(3, "dataset")
