"""The scale of accuracies: the user's own, and fractions."""

import pytest

from palm_bayes.data.scales import as_fraction, in_scale
from palm_bayes.errors import DataError, PalmWarning


def test_targets_are_in_the_scale_of_the_data(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    assert as_fraction(percent, 90, "the target") == 0.9
    with pytest.raises(
        DataError, match=r"the target is 0\.9, but the data are in percent: give 90"
    ):
        as_fraction(percent, 0.9, "the target")
    for bad in (0, 1.2, 9, 101, "120%", float("nan")):
        with pytest.raises(DataError, match=r"the target is .*at most 1, the scale of the data"):
            as_fraction(runs, bad, "the target")


@pytest.mark.parametrize("given", ["93%", " 93 % ", 93])
def test_percent_is_understood_in_either_scale(made_up, given):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    with pytest.warns(PalmWarning, match=r"the target .*93.* is read as 0\.93, since"):
        assert in_scale(runs, given, "the target") == 0.93
    assert in_scale(percent, given, "the target") == 93
    assert as_fraction(percent, given, "the target") == 0.93
    assert in_scale(percent, "0.5%", "the target") == 0.5


def test_text_that_is_no_number_is_refused(made_up):
    for bad in ("high", "", "%", "93%%"):
        with pytest.raises(DataError, match=r"allowed is a number .* or percent such as 93%"):
            in_scale(made_up.task({"a": (0.1, 0.2)}), bad, "the target")
