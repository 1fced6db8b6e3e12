"""The prior of the noise that standard errors of means tell."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.model.known_noise import noise_log_normals
from palm_bayes.model.variables import LOG_NORMALS


def rows(strategy, errors, accuracy=0.8, mean_of=5.0):
    return pd.DataFrame(
        {
            "strategy": strategy, "repetition": "mean", "accuracy": accuracy,
            "standard_error": errors, "mean_of": mean_of,
        }
    )  # fmt: skip


def close(median, expected):
    assert abs(np.log(median / expected)) <= 0.1 + 1e-9  # rounded, so that programs are shared


def test_single_repetitions_have_the_default():
    table = rows("margin", [0.02] * 6).drop(columns=["standard_error", "mean_of"])
    assert noise_log_normals(table) == LOG_NORMALS


def test_the_centre_is_the_last_error_and_the_ratio_that_of_the_first_to_it():
    found = noise_log_normals(rows("margin", [0.03, 0.02, 0.012, 0.01], mean_of=1000.0))
    close(found["relative_noise"].median, 0.01 / 0.4)
    close(found["noise_ratio"].median, 3.0)
    assert [prior.width for prior in found.values()] == pytest.approx([0.3, 0.3])


def test_few_repetitions_tell_less():
    """Draw deviations of n: their logarithm is too low, and spreads, by what is assumed."""
    rng = np.random.default_rng(1)
    for n in (2, 3, 5, 10):
        logs = np.log(rng.standard_normal((20_000, n)).std(axis=1, ddof=1))
        found = noise_log_normals(rows("margin", [0.02] * 4, mean_of=float(n)))
        close(found["relative_noise"].median, 0.02 / 0.4 * np.exp(-logs.mean()))
        width = max(logs.std(), 0.3)
        assert width - 0.02 <= found["relative_noise"].width <= width + 0.11
        both = max(np.sqrt(2) * logs.std(), 0.3)
        assert both - 0.02 <= found["noise_ratio"].width <= both + 0.11


def test_an_unknown_number_is_as_few():
    five, unknown = (noise_log_normals(rows("a", [0.02] * 4, mean_of=n)) for n in (5.0, np.nan))
    assert five == unknown


def test_strategies_tell_together_and_their_spread_widens():
    errors = {"a": 0.01, "b": 0.02, "c": 0.04}
    table = pd.concat(rows(name, [4 * one, one], mean_of=1000.0) for name, one in errors.items())
    found = noise_log_normals(table)
    close(found["relative_noise"].median, 0.02 / 0.4)
    assert found["relative_noise"].width == pytest.approx(np.log(2), abs=0.11)
    close(found["noise_ratio"].median, 4.0)
    assert found["noise_ratio"].width == pytest.approx(0.3)


def test_zeros_and_gaps_are_passed_over():
    errors = [0, 0.03, 0.02, 0.01, np.nan, 0]
    found = noise_log_normals(rows("a", errors, mean_of=1000.0))
    close(found["relative_noise"].median, 0.01 / 0.4)
    close(found["noise_ratio"].median, 3.0)


def test_errors_of_a_quarter_count_together():
    errors = [0.04, 0.01, *[0.5] * 4, 0.02, 0.005]
    found = noise_log_normals(rows("a", errors, mean_of=1000.0))
    close(found["relative_noise"].median, 0.01 / 0.4)
    close(found["noise_ratio"].median, 2.0)


def test_episodes_without_any_error_have_the_default():
    assert noise_log_normals(rows("a", [0.0, np.nan, 0.01])) == LOG_NORMALS
