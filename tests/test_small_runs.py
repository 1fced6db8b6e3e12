"""Small runs of every awkward shape, through all that a fit can be asked."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

import palm_bayes
from palm_bayes import Budget, Runs, Target, Unreachable
from palm_bayes.errors import PalmError
from palm_bayes.inference.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore::palm_bayes.PalmWarning")

SHAPES = {
    "constant": lambda x: np.full_like(x, 0.62),
    "falling": lambda x: 0.8 - 0.1 * np.log1p(x / 100) / 2,
    "rising": lambda x: 0.9 - 0.4 / np.sqrt(1 + x / 40),
}


def small_runs(shape, ragged, uneven, missing, repetitions, seed=0):
    """Runs of two strategies, the second a little better."""
    rng = np.random.default_rng(seed)
    rows = []
    for strategy, r in product(("random", "margin"), range(repetitions)):
        count = 7 - 2 * (ragged and r == 1)
        labels = 20.0 * np.arange(1, count + 1)
        if uneven:
            labels += rng.integers(0, 2, count) + 3 * r
        accuracy = SHAPES[shape](labels) + 0.02 * (strategy == "margin")
        if shape != "constant":
            accuracy = accuracy + 0.006 * rng.standard_normal(count)
        rows.extend(
            (strategy, str(r), episode, labels[episode - 1], accuracy[episode - 1])
            for episode in range(1, count + 1)
            if not (missing and r == 0 and episode == 3)
        )
    names = ["strategy", "repetition", "episode", "labels", "accuracy"]
    return pd.DataFrame(rows, columns=names)


# Every pair of properties meets in one of these.
CASES = [
    ("constant", False, False, False, 1),
    ("constant", True, True, False, 2),
    ("constant", False, True, True, 3),
    ("falling", True, False, True, 2),
    ("falling", False, True, False, 1),
    ("rising", True, True, True, 3),
    ("rising", False, False, True, 1),
    ("rising", True, False, False, 3),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case)))
def small(request, fit):
    """A fit of such runs; `fit` has compiled the program. Chains are short, converged or not."""
    frame = small_runs(*request.param)
    return frame, palm_bayes.fit(frame, draws=250, tune=300, chains=4)


def test_fits_end_in_few_steps(small):
    _, fit = small
    assert int(fit.trace["sample_stats"]["n_steps"].max()) <= 2 * 4 * 255
    assert fit.convergence.table["attempts"].between(1, Settings.batches).all()


def test_forecasts_are_accuracies(small):
    _, fit = small
    for scope in ("expected", "new", "continuing"):
        table = fit.forecast(horizon=5, scope=scope).to_frame()
        numbers = table[["mean", "q2.5", "q50", "q97.5"]]
        assert numbers.notna().all(axis=None)
        assert numbers.ge(0).all(axis=None)
        assert numbers.le(1).all(axis=None)
        assert (table["q2.5"] <= table["q97.5"]).all()


def test_constant_scores_are_forecast_to_stay(small):
    frame, fit = small
    if frame.groupby("strategy")["accuracy"].nunique().max() == 1:
        later = fit.forecast(labels=[140, 280]).to_frame()
        truth = later["strategy"].map({"random": 0.62, "margin": 0.64})
        assert (later["q50"] - truth).abs().max() < 0.01


def test_questions_are_answered_or_refused_in_a_line(small, tmp_path):
    _, fit = small
    compared = fit.compare(at=200)
    assert compared.ranking["p_best"].sum() == pytest.approx(1)
    budget = fit.labels_to_reach(0.7)
    assert budget.table["p_never"].between(0, 1).all()
    rule = Target(0.7) | Unreachable(0.9, 300) | Budget(400)
    for force in (False, True):
        decision = fit.decide(rule, force=force)
        assert decision.action in {"stop", "continue", "switch", "cannot say"}
        assert decision.sentence.endswith(".")
    page = fit.report(tmp_path / "report.html", target=0.7).read_text()
    assert "Traceback" not in page
    assert "nan" not in page.split("<style")[0].lower()


def test_refits_take_in_another_episode(small):
    frame, fit = small
    last = frame.sort_values("episode").groupby(["strategy", "repetition"]).tail(1)
    more = last.assign(episode=last["episode"] + 1, labels=last["labels"] + 20)
    again = fit.refit(pd.concat([frame, more], ignore_index=True))
    assert len(again.runs.table) == len(fit.runs.table) + len(more)
    table = again.forecast(horizon=2).to_frame()
    assert table["mean"].between(0, 1).all()


def test_an_accuracy_that_cannot_be_reached_is_an_error(small):
    _, fit = small
    with pytest.raises(PalmError, match="must be above 0 and at most 1"):
        fit.labels_to_reach(1.5)


def test_label_counts_that_differ_by_a_few_do_not_hide_noise_in_common(fit):
    """Labels 0 to 4 off in 1,000s: the same share in common, the same bands."""
    rng = np.random.default_rng(3)
    x = np.arange(1, 11)
    mean = 0.9 - 0.4 / np.sqrt(1 + x)
    common = 0.02 * rng.standard_normal(10)

    def fitted(off):
        rows = [
            ("margin", str(r), e, 1000.0 * e + off[r, e - 1], accuracy)
            for r in range(5)
            for e, accuracy in zip(x, mean + common + own[r], strict=True)
        ]
        names = ["strategy", "repetition", "episode", "labels", "accuracy"]
        return palm_bayes.fit(Runs.from_frame(pd.DataFrame(rows, columns=names)), draws=500)

    own = 0.004 * rng.standard_normal((5, 10))
    even, uneven = fitted(np.zeros((5, 10))), fitted(rng.integers(0, 5, (5, 10)))
    shares = [float(each.trace["posterior"]["shared"].median()) for each in (even, uneven)]
    assert shares[0] > 0.6
    assert shares[1] == pytest.approx(shares[0], abs=0.05)
    widths = []
    for each in (even, uneven):
        row = each.forecast(labels=[20000]).to_frame().iloc[0]
        widths.append(row["q90"] - row["q10"])
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


@pytest.mark.parametrize(("short", "long"), [(0.8, 0.9), (0.9, 0.8)])
def test_flat_runs_of_unequal_length_are_forecast_to_stay(short, long):
    """5 and 10 episodes: the mean does not jump, or fall, where the first run ends."""
    rows = [
        ("a", r, e, 20 * e, y)
        for r, n, y in (("1", 5, short), ("2", 10, long))
        for e in range(1, n + 1)
    ]
    names = ["strategy", "repetition", "episode", "labels", "accuracy"]
    flat = palm_bayes.fit(pd.DataFrame(rows, columns=names))
    for misfit in (None, "learned"):
        table = flat.forecast(labels=[200, 400, 800], misfit=misfit).to_frame()
        np.testing.assert_allclose(table["mean"], 0.85, atol=0.01)
        np.testing.assert_allclose(table["q50"], 0.85, atol=0.01)


def runs_of(curves, noise, seed=0):
    """Runs of strategy a: labels and expected accuracies of each repetition, plus noise."""
    rng = np.random.default_rng(seed)
    frames = [
        pd.DataFrame({"repetition": name, "labels": labels, "accuracy": accuracy})
        for name, (labels, accuracy) in curves.items()
    ]
    frame = pd.concat(frames).assign(strategy="a")
    return frame.assign(accuracy=frame["accuracy"] + noise * rng.standard_normal(len(frame)))


def test_runs_of_unlike_batches_are_one_curve(fit):
    """Ten batches of 20 beside five of 100: what is known at 200 labels is not known at 500."""
    fine, coarse = 20.0 * np.arange(1, 11), 100.0 * np.arange(1, 6)
    curves = {name: (x, SHAPES["rising"](x)) for name, x in (("1", fine), ("2", coarse))}
    found = palm_bayes.fit(runs_of(curves, 0.003)).forecast(labels=[200, 500, 1000]).to_frame()
    truth = SHAPES["rising"](np.array([200.0, 500.0, 1000.0]))
    np.testing.assert_allclose(found["q50"], truth, atol=0.012)
    assert found["labels"].tolist() == [200, 500, 1000]


def test_scores_times_ten_are_forecast_as_ten_times_the_scores(fit):
    """A mean average precision that still rises steeply at four budgets: at twice the labels."""
    labels, scores = 100.0 * np.arange(1, 5), np.array([0.023, 0.029, 0.0335, 0.037])
    curves = {str(r): (labels, scores) for r in range(3)}
    low = runs_of(curves, 0.0004)
    medians = [
        palm_bayes.fit(low.assign(accuracy=times * low["accuracy"]), percent=False)
        .forecast(labels=[800])
        .to_frame()["q50"][0]
        / times
        for times in (1, 10)
    ]
    assert min(medians) > 0.041  # above the last score, by as much as the gain of 100 labels
    assert medians[1] == pytest.approx(medians[0], rel=0.05)


def test_it_does_not_matter_which_flat_run_goes_on(fit):
    gains = []
    for short, long in ((0.8, 0.9), (0.9, 0.8)):
        x = 20.0 * np.arange(1, 11)
        curves = {"1": (x[:5], np.full(5, short)), "2": (x, np.full(10, long))}
        draws = palm_bayes.fit(runs_of(curves, 0.002)).forecast(labels=[200, 800]).draws
        gains.append(float((draws[..., 1] - draws[..., 0]).mean()))
    assert max(map(abs, gains)) < 0.012
    assert gains[0] == pytest.approx(gains[1], abs=0.005)
