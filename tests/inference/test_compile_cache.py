"""Programs for nutpie: what the C functions compute, and that they are found again on disk."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pymc as pm
import pytest

from palm_bayes.inference import compile_cache


@pytest.fixture(scope="module")
def model():
    with pm.Model() as model:
        data = pm.Data("data", np.array([[1.0, 2.0, 3.0], [0.5, 0.5, 0.5]]), shape=(2, None))
        spread = pm.HalfNormal("spread")
        center = pm.Normal("center", 0, 10, shape=2)
        terms = pm.logp(pm.Normal.dist(center[0], spread), data[0]) * data[1]
        pm.Potential("seen", terms.sum() + center[1])
    return model


@pytest.fixture(scope="module")
def compiled(model):
    return compile_cache.compile_model(model, ["spread", "center_0", "center_1"])


def called(callback, *arguments):
    """Call a C function with whole numbers, and arrays that are given by their addresses."""
    kinds = [ctypes.c_void_p if isinstance(a, np.ndarray) else ctypes.c_uint64 for a in arguments]
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(callback.address)
    return function(*(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments))


def density(compiled, point):
    value, slope = np.zeros(1), np.zeros(3)
    code = called(compiled.compiled_logp_func, 3, point, slope, value, compiled.user_data)
    return code, value[0], slope


@pytest.mark.parametrize("data", [[[1.0, 2.0, 3.0], [0.5] * 3], [[4.0], [2.0]]])
def test_density_is_the_models(model, compiled, data):
    point = np.array([0.3, -0.2, 0.7])
    code, value, slope = density(compile_cache.with_data(compiled, np.array(data)), point)
    with model:
        pm.set_data({"data": data})
    at = {"spread_log__": point[0], "center": point[1:]}
    assert code == 0
    assert value == pytest.approx(float(model.compile_logp(mode="FAST_COMPILE")(at)))
    np.testing.assert_allclose(slope, model.compile_dlogp(mode="FAST_COMPILE")(at))


def test_a_point_that_cannot_be_is_told_by_its_code(compiled):
    assert density(compiled, np.array([-800.0, 0.0, 0.0]))[0] > 0
    assert density(compiled, np.full(3, np.nan))[0] > 0


def test_parameters_are_the_free_variables_and_what_they_come_from(compiled):
    point, values = np.array([0.3, -0.2, 0.7]), np.zeros(6)
    assert called(compiled.compiled_expand_func, 3, 6, point, values, compiled.user_data) == 0
    np.testing.assert_allclose(values, [np.exp(0.3), -0.2, 0.7, *point])


def test_standardised_points_stand_for_others(compiled):
    """The density is that of the points that they stand for, the gradient by the chain rule."""
    mean, factor = (
        np.array([0.3, -0.2, 0.7]),
        np.array([[1.0, 0.0, 0.5], [0.2, 2.0, 0.0], [0, 1, 1]]),
    )
    given = np.array([0.4, -1.0, 0.3])
    program = compile_cache.standardised(compiled, compile_cache.Normal(mean, factor))
    code, value, slope = density(compiled, mean + factor @ given)
    found = density(program, given)
    assert (found[0], found[1]) == (code, pytest.approx(value))
    np.testing.assert_allclose(found[2], factor.T @ slope)
    values = np.zeros(6)
    called(program.compiled_expand_func, 3, 6, given, values, program.user_data)
    np.testing.assert_allclose(values[3:], mean + factor @ given, atol=1e-12)
    starts = np.array([program.initial_point_func(seed) for seed in range(2000)])
    np.testing.assert_allclose(np.cov(starts.T), np.eye(3), atol=0.15)


def test_density_as_a_function_of_a_point(compiled):
    of = compile_cache.density_of(compiled)
    point = np.array([0.3, -0.2, 0.7])
    _, value, slope = density(compiled, point)
    assert of(point)[0] == value
    np.testing.assert_array_equal(of(point)[1], slope)
    nowhere = of(np.full(3, np.nan))
    assert nowhere[0] == -np.inf
    np.testing.assert_array_equal(nowhere[1], np.zeros(3))
    assert of(point)[0] == value


def test_chains_start_around_zero(compiled):
    starts = np.array([compiled.initial_point_func(seed) for seed in range(200)])
    assert np.all(np.abs(starts) <= 1)
    assert np.ptp(starts, axis=0) == pytest.approx(2, abs=0.2)
    np.testing.assert_array_equal(starts[7], compiled.initial_point_func(7))


def test_what_is_on_disk_is_not_compiled_again(model, compiled, monkeypatch):
    monkeypatch.setattr(compile_cache, "_compiled", None)
    again = compile_cache.compile_model(model, ["spread", "center_0", "center_1"])
    assert again.compiled_logp_func.cache_hits == 1
    assert again.compiled_expand_func.cache_hits == 1
    assert_same_density(again, compiled)


def assert_same_density(one, other):
    point, data = np.array([0.3, -0.2, 0.7]), np.array([[4.0, 5.0], [2.0, 1.0]])
    found = [density(compile_cache.with_data(each, data), point) for each in (one, other)]
    for got, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty one."""
    monkeypatch.setattr("pytensor.link.numba.cache.NUMBA_CACHE_PATH", tmp_path)
    return tmp_path


def wrappers(cache, kind):
    return sorted(cache.glob(f"string.wrapper-*.{kind}"))


def test_all_that_the_code_depends_on_is_in_its_key(model, monkeypatch):
    at, known = model.initial_point(), [model.logp()]
    keys = [compile_cache._key("source", model, at, known)]
    keys += [compile_cache._key("another", model, at, known)]
    keys += [compile_cache._key("source", model, at, [known[0] + 1])]
    keys += [compile_cache._key("source", model, {**at, "center": np.zeros(3)}, known)]
    monkeypatch.setattr(compile_cache, "__file__", __file__)
    keys += [compile_cache._key("source", model, at, known)]
    assert len({*keys, None}) == 6


def test_there_is_no_key_where_nothing_is_to_be_kept(model):
    with compile_cache.config.change_flags(numba__cache=False):
        assert compile_cache._key("source", model, model.initial_point(), [model.logp()]) is None


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_file_is_replaced(model, compiled, cache, kind):
    names = ["spread", "center_0", "center_1"]
    compile_cache.compile_model(model, names)
    files = wrappers(cache, kind)
    assert len(files) == 2
    for file in files:
        file.write_bytes(file.read_bytes()[:-100])
    mended = compile_cache.compile_model(model, names)
    assert mended.compiled_logp_func.cache_hits == 0
    assert_same_density(mended, compiled)
    assert compile_cache.compile_model(model, names).compiled_logp_func.cache_hits == 1


def test_what_has_no_key_is_compiled_and_not_kept(model, compiled, cache, monkeypatch):
    monkeypatch.setattr(compile_cache, "graph_key", lambda *_: None)
    assert_same_density(
        compile_cache.compile_model(model, ["spread", "center_0", "center_1"]), compiled
    )
    assert wrappers(cache, "*") == []


DRAWS = """
from palm_bayes.data import example_runs_path
from palm_bayes.reading.read import read_runs
from palm_bayes.inference.nuts import compile_programs, sample_strategy
from palm_bayes.inference.settings import Settings
from palm_bayes.model.priors import named_priors

priors = named_priors("default")
compile_programs(priors)
runs = read_runs(example_runs_path(), strategies=["margin"], max_episodes=12)
print(sample_strategy(runs, priors, Settings(draws=100)).posterior["beta"].to_numpy().tolist())
"""


@pytest.mark.slow
def test_the_process_that_compiles_draws_the_same_as_later_ones(tmp_path):
    """With fast math it did not: sums were reordered in another way once code was on disk."""
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", DRAWS], env=os.environ | flags, check=True, capture_output=True
        ).stdout
        for _ in range(2)
    )
    assert first
    assert first == second
