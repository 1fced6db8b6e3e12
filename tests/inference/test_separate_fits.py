"""Saved fits side by side: the draws of each, nothing in common, and refused if not alike."""

import json
from dataclasses import replace

import numpy as np
import pytest

from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.inference.saved import about_fit
from palm_bayes.inference.separate_fits import short_names, side_by_side
from palm_bayes.palm_fit import PalmFit


@pytest.fixture(scope="module")
def saved(fit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits")
    paths = [folder / name for name in ("a.nc", "b.nc")]
    for path in paths:
        fit.save(path)
    return paths


@pytest.fixture(scope="module")
def both(saved):
    return PalmFit.load(*saved)


def test_equal_names_are_told_apart_by_file(both, fit):
    names = ["random (a)", "entropy (a)", "random (b)", "entropy (b)"]
    assert list(both.runs.strategies) == names
    assert list(both.convergence.table.index) == names
    assert both.runs.describe().startswith("4 strategies x 5 repetitions")
    assert [f"{name} ({file})" for file in "ab" for name in fit.runs.strategies] == names


def test_each_keeps_its_answers(both, fit):
    ours, theirs = both.summary(), fit.summary()
    half = len(theirs)
    for rows in (ours[:half], ours[half:]):
        columns = ["median", "lower", "upper", "r_hat", "ess_bulk"]
        np.testing.assert_allclose(rows[columns], theirs[columns])
    before, now = (one.forecast(labels=[100, 400]).to_frame() for one in (fit, both))
    np.testing.assert_allclose(now["q50"][: len(before)], before["q50"])
    assert both.predictive_check.table["passed"].all() == fit.predictive_check.table["passed"].all()


def test_nothing_pairs_the_draws_even_of_equal_seeds(both, fit):
    accuracy = both.forecast(labels=[600]).draws.isel(x=0).stack(sample=("chain", "draw"))
    together = np.corrcoef(accuracy.transpose("strategy", "sample"))
    assert np.abs(together[:2, 2:]).max() < 0.1
    within = fit.forecast(labels=[600]).draws.isel(x=0).stack(sample=("chain", "draw"))
    own = np.corrcoef(within.transpose("strategy", "sample"))
    np.testing.assert_allclose(together[:2, :2], own)
    assert both.compare(400).shared == 0
    assert "not paired" in both.runs.notes[-1]


def test_it_is_reported_and_saved_like_any_fit(both, tmp_path, saved):
    page = both.report(tmp_path / "r.html", target=0.93).read_text(encoding="utf-8")
    assert "nothing is pooled between the fits" in page
    assert f"palm-bayes report {saved[0]} {saved[1]}" in page
    again = PalmFit.load(both.save(tmp_path / "both.nc"))
    assert again.compare(400).sentence == both.compare(400).sentence


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"score": Score(percent=True)}, "the scale of scores is fractions in a, percent in b"),
        ({"score": Score("F1")}, "the score is accuracy in a, F1 in b"),
        ({"score": Score(lower_is_better=True)}, "the better value is higher in a, lower in b"),
        ({"batch": 10.0}, "the number of labels per episode is 20 in a, 10 in b"),
        ({"dataset": "letters"}, "the dataset is digits in a, letters in b"),
    ],
)
def test_fits_of_other_tasks_are_refused(fit, changed, words):
    other = replace(fit, runs=replace(fit.runs, **changed))
    with pytest.raises(DataError, match=words):
        side_by_side({"a": fit, "b": other})


def retold(fit, **changes):
    """Return the fit as if its settings were others."""
    about = json.loads(fit.trace.attrs["palm_bayes"])
    about["sampling"] |= changes
    trace = fit.trace.copy()
    trace.attrs = {"palm_bayes": json.dumps(about)}
    return replace(fit, trace=trace)


def test_fits_of_other_priors_are_refused(fit):
    """Their answers differ by the prior too, and a page would tell that of the first."""
    words = "the set of priors is default in a, bounds in b"
    with pytest.raises(DataError, match=words):
        side_by_side({"a": fit, "b": retold(fit, priors="bounds")})


def test_settings_of_each_are_told(fit):
    both = side_by_side({"a": fit, "b": retold(fit, draws=250)})
    sampling = about_fit(both.trace)["sampling"]
    assert sampling["draws"] == "1000, 250"
    assert sampling["chains"] == 4


def test_a_refit_would_pool_them(both):
    with pytest.raises(DataError, match="were fitted separately: refit each of them, or fit all"):
        both.refit(both.runs)


def test_one_fit_is_too_few(saved):
    with pytest.raises(DataError, match="is one fit: give at least two"):
        PalmFit.load(saved[0], saved[0])


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/a.nc", "x/b.nc"], ["a", "b"]),
        (["one/trace.nc", "two/trace.nc"], ["one", "two"]),
        (["one/a.nc", "two/a.nc"], ["one/a.nc", "two/a.nc"]),
        (["trace.nc", "b.nc"], ["trace.nc", "b"]),
    ],
)
def test_names_of_files_are_short_and_differ(paths, names):
    assert list(short_names(paths).values()) == names
