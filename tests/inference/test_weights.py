"""Importance weights: smoothed, and draws that are picked by them."""

import numpy as np
import pytest

from palm_bayes.inference.weights import PARETO_K_MOST, resampled, smoothed


def normals(width=1.0):
    return np.random.default_rng(1).normal(0, width, (4, 1000))


def test_weights_lead_from_one_normal_to_another():
    draws = normals()
    log_weights, k = smoothed(draws * 0.4 - 0.08)  # of N(0.4, 1) over N(0, 1)
    weights = np.exp(log_weights) / np.exp(log_weights).sum()
    assert k < PARETO_K_MOST
    assert (weights * draws).sum() == pytest.approx(0.4, abs=0.05)
    assert (weights * draws**2).sum() == pytest.approx(1.16, abs=0.1)


def test_weights_of_a_wider_target_are_found_unreliable():
    _, k = smoothed(normals() ** 2 * (0.5 - 0.5 / 9))  # of N(0, 3) over N(0, 1)
    assert k > PARETO_K_MOST


def test_equal_weights_stay_as_they_are():
    ratios = np.full((2, 5), 3.0)
    log_weights, k = smoothed(ratios)
    assert log_weights is ratios
    assert k == -np.inf


def test_draws_are_picked_in_proportion_chain_by_chain():
    weights = np.array([[1.0, 1, 1, 1], [0, 3, 0, 1], [0, 0, 0, 2]])
    picked = resampled(weights)
    assert picked.tolist() == [[0, 1, 2, 3], [1, 1, 1, 3], [3, 3, 3, 3]]
    many = np.random.default_rng(2).random((2, 500))
    for chain, found in zip(many, resampled(many), strict=True):
        wanted = 500 * chain / chain.sum()
        assert (np.diff(found) >= 0).all()
        assert np.abs(np.bincount(found, minlength=500) - wanted).max() < 1
