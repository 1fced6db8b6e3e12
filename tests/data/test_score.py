"""A score in the user's own unit and direction, and as a fraction."""

import pytest

from palm_bayes.errors import DataError, PalmWarning


def test_targets_are_in_the_scale_of_the_data(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    assert percent.score.goal(90, "the target") == 0.9
    with pytest.raises(
        DataError, match=r"the target is 0\.9, but the data are in percent: give 90"
    ):
        percent.score.goal(0.9, "the target")
    for bad in (0, 1.2, 9, 101, "120%", float("nan")):
        with pytest.raises(DataError, match=r"the target is .*at most 1, the scale of the data"):
            runs.score.goal(bad, "the target")


@pytest.mark.parametrize("given", ["93%", " 93 % ", 93])
def test_percent_is_understood_in_either_scale(made_up, given):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    with pytest.warns(PalmWarning, match=r"the target .*93.* is read as 0\.93, since"):
        assert runs.score.target(given, "the target") == 0.93
    assert percent.score.target(given, "the target") == 93
    assert percent.score.goal(given, "the target") == 0.93
    assert percent.score.target("0.5%", "the target") == 0.5


def test_text_that_is_no_number_is_refused(made_up):
    for bad in ("high", "", "%", "93%%"):
        with pytest.raises(DataError, match=r"allowed is a number .* or percent such as 93%"):
            made_up.task({"a": (0.1, 0.2)}).score.target(bad, "the target")
