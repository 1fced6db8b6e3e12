"""Joining regions: their evidence, their shares of the draws, and what is counted of each."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from palm_bayes.inference.evidence import Part, aggregated_stats, join, log_evidence, longer

DRAWS = 1000


def part(mean, log_integral, *, diverging=0, seed=1, draws=DRAWS, spread=1.0):
    """Draws of a skew density in two dimensions, whose integral is known."""
    rng = np.random.default_rng(seed)
    normal = mean + spread * rng.standard_normal((4, draws))
    gamma = rng.gamma(3.0, size=(4, draws))
    log_density = stats.norm(mean, spread).logpdf(normal) + stats.gamma(3.0).logpdf(gamma)
    free = xr.Dataset(
        {"a": (("chain", "draw"), normal), "b": (("chain", "draw", "one"), gamma[..., None])}
    )
    diverged = np.zeros((4, draws), dtype=bool)
    diverged[0, :diverging] = True
    statistics = {
        "diverging": diverged,
        "n_steps": np.full((4, draws), 7),
        "energy": rng.standard_normal((4, draws)),
    }
    return Part(
        free[["a"]].assign_coords(draw=np.arange(draws)),
        xr.Dataset({name: (("chain", "draw"), values) for name, values in statistics.items()}),
        free,
        xr.DataArray(log_density + log_integral, dims=("chain", "draw")),
    )


@pytest.mark.parametrize("log_integral", [-400.0, 0.0, 3.0])
def test_evidence_is_the_integral(log_integral):
    found, error = log_evidence(part(2.0, log_integral))
    assert 0 < error < 0.05
    assert found == pytest.approx(log_integral, abs=4 * error)


def test_its_error_is_what_it_varies_by():
    found, errors = zip(
        *(log_evidence(part(0.0, 0.0, seed=seed)) for seed in range(20)), strict=True
    )
    assert np.std(found) == pytest.approx(np.mean(errors), rel=0.5)


def test_parts_take_their_shares():
    joined = join([part(0.0, np.log(3.0)), part(100.0, 0.0)], np.random.default_rng(1))
    of_second = joined.posterior["a"] > 50
    assert float(of_second.mean()) == pytest.approx(0.25, abs=0.02)
    assert len(set(of_second.sum("draw").to_numpy())) == 1  # the same in every chain
    np.testing.assert_array_equal(joined.posterior["draw"], np.arange(DRAWS))
    assert joined.posterior.sizes == {"chain": 4, "draw": DRAWS}
    assert list(joined.stats) == ["diverging", "n_steps", "energy"]


def test_draws_keep_their_order_and_are_spread_over_their_part():
    one, two = part(0.0, 0.0), part(100.0, 0.0)
    joined = join([one, two], np.random.default_rng(1)).posterior["a"].to_numpy()[0]
    for source in (one, two):
        place = {value: i for i, value in enumerate(source.posterior["a"].to_numpy()[0])}
        taken = [place[value] for value in joined if value in place]
        assert taken == sorted(taken)
        assert (taken[0], taken[-1]) == (0, DRAWS - 1)


def test_uncertain_weights_are_told():
    close, far = (
        join([part(0.0, 0.0), part(9.0, log_integral, seed=2)], np.random.default_rng(1))
        for log_integral in (0.0, -20.0)
    )
    assert 0 < close.weight_error < 1e-3
    assert far.weight_error < 1e-6 * close.weight_error


def test_what_cannot_matter_is_not_counted():
    good, bad = part(0.0, 0.0, diverging=2), part(9.0, -9.0, diverging=50)
    assert join([good, bad], np.random.default_rng(1)).divergences == 2
    assert join([good, part(9.0, 0.0, diverging=50)], np.random.default_rng(1)).divergences == 52


def test_a_part_that_was_sampled_twice_is_one():
    first, second = (
        part(0.0, 2.0, seed=1, draws=500),
        part(0.0, 2.0, seed=2, diverging=3, draws=500),
    )
    both = longer([first, second])
    for half, of in ((slice(500), first), (slice(500, None), second)):
        for name in ("posterior", "stats", "free"):
            found, given = (
                getattr(it, name).drop_vars("draw", errors="ignore") for it in (both, of)
            )
            xr.testing.assert_identical(found.isel(draw=half), given)
        xr.testing.assert_identical(both.log_density.isel(draw=half), of.log_density)
    assert join([both, part(0.0, -9.0)], np.random.default_rng(0)).divergences == 3
    value, error = log_evidence(both)
    assert value == pytest.approx(2.0, abs=4 * error)
    whole = Part(first.posterior, first.stats)
    assert longer([whole, whole]).free is None
    assert longer([first]) is first


def test_one_part_is_the_whole():
    alone = part(0.0, 5.0, diverging=3)
    joined = join([Part(alone.posterior, alone.stats)], np.random.default_rng(1))
    assert joined.posterior is alone.posterior
    assert (joined.divergences, joined.weight_error) == (3, 0.0)


def test_draws_that_are_kept_tell_of_those_that_are_not():
    """No divergence is lost when draws are thinned, and no energy pretends to be a neighbour's."""
    whole = part(0.0, 0.0).stats
    whole["diverging"][1, [3, 5, 999]] = True
    thinned = aggregated_stats(whole, np.arange(0, DRAWS, 4))
    assert list(np.flatnonzero(thinned["diverging"][1])) == [0, 1, 249]
    assert int(thinned["diverging"].sum()) == 3
    np.testing.assert_array_equal(thinned["n_steps"], 28)
    assert thinned["energy"].isnull().all()
    assert aggregated_stats(whole, np.arange(DRAWS)).equals(whole)


def test_divergences_that_count_are_in_the_draws_of_the_whole():
    one, two = part(0.0, 0.0), part(100.0, 0.0, diverging=3)
    joined = join([one, two], np.random.default_rng(1))
    assert joined.divergences == 3
    assert joined.stats["diverging"].any()
    assert joined.stats["energy"].isnull().all()


@pytest.mark.parametrize("draws", [50, 100, 400])
def test_evidence_of_few_draws(draws):
    few = part(2.0, 1.0, draws=draws)
    found, error = log_evidence(few)
    assert found == pytest.approx(1.0, abs=5 * error + 0.2)


def test_a_part_that_drifts_has_no_known_weight():
    """Such chains once ended in an error without a word about them."""
    drifting = part(0.0, 0.0)
    far = np.where(np.arange(DRAWS) < DRAWS // 2, 0.0, 1e6)
    drifting = drifting._replace(free=drifting.free + xr.DataArray(far, dims="draw"))
    assert log_evidence(drifting)[1] == np.inf
    joined = join([drifting, part(0.0, 0.0)], np.random.default_rng(1))
    assert joined.weight_error == np.inf
    for other in (1e3, -1e3):  # where one part weighs nothing, its weight does not matter
        joined = join([drifting, part(0.0, other)], np.random.default_rng(1))
        assert joined.weight_error == 0
