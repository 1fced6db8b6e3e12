"""Words that messages share."""

import pytest

from palm_bayes.errors import percent


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0, "<1 %"), (0.004, "<1 %"), (0.006, "1 %"), (0.5, "50 %"), (0.994, "99 %"), (1, ">99 %")],
)
def test_no_probability_is_said_to_be_0_or_1(probability, words):
    assert percent(probability) == words
