"""Words that messages share."""

import pytest

from palm_bayes.errors import visible


def test_what_steers_a_terminal_is_shown():
    unseen = "\x1b[2J\x9b\t\n\u202e\u2028\ud800\ufeff"
    assert visible(unseen) == r"\x1b[2J\x9b\t\n\u202e\u2028\ud800\ufeff"
    assert visible(unseen, keep="\n").count("\n") == 1


@pytest.mark.parametrize("text", ["margin", "größe β 漢字", "👩\u200d🔬", "e\u0301", "a b"])
def test_text_stays(text):
    assert visible(text) == text
