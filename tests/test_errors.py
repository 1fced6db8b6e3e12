"""Words that messages share."""

import pytest

from palm_bayes.errors import DataError, percent


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0, "<1 %"), (0.004, "<1 %"), (0.006, "1 %"), (0.5, "50 %"), (0.994, "99 %"), (1, ">99 %")],
)
def test_no_probability_is_said_to_be_0_or_1(probability, words):
    assert percent(probability) == words


def test_long_quotes_are_shortened():
    said = str(DataError(f"runs.csv, line 3: accuracy is '{'1' * 200_000}', allowed is 0 to 1"))
    assert said.startswith("runs.csv, line 3: accuracy is '111")
    assert said.endswith("111', allowed is 0 to 1")
    assert "(200,003 characters)" in said
    assert len(said) < 300
    assert len(str(DataError("a b " * 10**6))) < 3000
    path = f"/{'/'.join(['folder'] * 40)}/runs.csv does not exist"
    assert str(DataError(path)) == path
