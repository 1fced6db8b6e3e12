"""The scale of accuracies: the user's own, and fractions."""

import pytest

from palm_bayes.data.scales import as_fraction
from palm_bayes.errors import DataError


def test_targets_are_in_the_scale_of_the_data(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    percent = made_up.task({"a": (0.1, 0.2)}, percent=True)
    assert as_fraction(percent, 90, "the target") == 0.9
    with pytest.raises(
        DataError, match=r"the target is 0\.9, but the data are in percent: give 90"
    ):
        as_fraction(percent, 0.9, "the target")
    for bad in (0, 1.2, 90, float("nan")):
        with pytest.raises(DataError, match=r"the target is .*at most 1, the scale of the data"):
            as_fraction(runs, bad, "the target")
