"""The monitor of a labelling loop."""

import pytest

from palm_bayes import monitor as module
from palm_bayes.decisions.stopping_rules import Budget, Plateau, Target, Unreachable
from palm_bayes.errors import DataError, PalmWarning
from palm_bayes.model.learned import shipped
from palm_bayes.monitor import StopMonitor
from palm_bayes.palm_fit import PalmFit

ACCURACIES = (0.62, 0.74, 0.8, 0.83, 0.86)


@pytest.fixture
def fitted(monkeypatch, fit):
    """Stand-in for fitting: gives the fit of all tests, keeps the runs and options it was asked."""
    asked = []

    def fit_runs(runs, **options):
        asked.append((runs, options))
        return fit

    def refit(before, runs, **options):
        assert before.trace is fit.trace
        return fit_runs(runs, **options)

    monkeypatch.setattr(module, "fit_runs", fit_runs)
    monkeypatch.setattr(module, "refit_validated", refit)
    return asked


def test_fits_begin_with_the_fourth_episode(fitted):
    monitor = StopMonitor(Target(0.5), strategy="random", seed=7)
    early = [monitor.update(20 * i, ACCURACIES[i - 1]) for i in (1, 2, 3)]
    assert [decision.action for decision in early] == ["cannot say"] * 3
    assert "3 of the 4 episodes" in early[-1].sentence
    assert early[-1].next_batch == 20
    assert not fitted
    assert monitor.update(80, 0.83).stop
    ((runs, options),) = fitted
    assert runs.table["labels"].tolist() == [20, 40, 60, 80]
    assert options["seed"] == 7


def test_fits_have_the_learned_prior_that_is_given(fitted, tmp_path):
    path = shipped().write(tmp_path / "prior.json")
    monitor = StopMonitor(Target(0.5), strategy="random", prior=path)
    path.write_text("changed")
    for i, accuracy in enumerate(ACCURACIES[:4], 1):
        monitor.update(20 * i, accuracy)
    assert fitted[0][1]["prior"] == shipped()
    with pytest.raises(DataError, match="does not hold a learned prior"):
        StopMonitor(Target(0.5), prior=path)


def test_budget_needs_no_fit(fitted):
    monitor = StopMonitor(Target(0.9) | Budget(40))
    assert not monitor.update(20, 0.6).stop
    assert monitor.update(40, 0.7).stop


def test_repetitions_side_by_side(fitted):
    monitor = StopMonitor(Target(0.99), strategy="random", batch=25)
    for i, accuracy in enumerate(ACCURACIES, 1):
        for repetition in (1, 2):
            monitor.update(20 * i, accuracy, repetition)
    runs, _ = fitted[-1]
    assert runs.table.groupby("repetition").size().tolist() == [5, 5]
    assert runs.batch == 25


@pytest.mark.parametrize(
    ("labels", "accuracy", "message"),
    [
        (20, 0.7, "labels are 20, but must be a number above 20"),
        (float("nan"), 0.7, "labels are nan"),
        ("many", 0.7, "labels is 'many', but must be a number"),
        (40, "good", "accuracy is 'good', but must be a number"),
        (40, 101, "accuracy is 101, but must be 0 to 1, or 0 to 100"),
        (40, float("nan"), "accuracy is nan"),
    ],
)
def test_a_bad_episode_is_not_taken_in(fitted, labels, accuracy, message):
    monitor = StopMonitor(Target(0.9))
    monitor.update(20, 0.6)
    with pytest.raises(DataError, match=message):
        monitor.update(labels, accuracy)
    assert "2 of the 4" in monitor.update(40, 0.7).sentence


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"batch": -5}, "is -5, but must be a number of labels above 0"),
        ({"draws": 1}, "draws is 1, but must be at least 4"),
        ({"tune": 0}, "tune is 0"),
        ({"chains": 1}, "chains is 1, but must be at least 2"),
        ({"seed": -1}, "seed is -1"),
        ({"priors": "flat"}, "no prior set 'flat'"),
        ({"priors": 3}, "priors is of type int, but must be 'default', 'bounds' or Priors"),
        ({"priors": "bounds", "draws": 20}, "must be at least 200"),
        ({"strategy": None}, "strategy is of type NoneType, but must be the name of one"),
        ({"percent": "no"}, "percent is 'no', but must be True, False or None"),
        ({"metric": 0}, "metric is of type int, but must be text"),
        ({"lower_is_better": "no"}, "lower_is_better is 'no', but must be True or False"),
        ({"force": "no"}, "force is 'no', but must be True or False"),
    ],
)
def test_options_are_checked_before_the_first_episode(option, message):
    with pytest.raises(DataError, match=message):
        StopMonitor(Target(0.9), **option)


def test_a_target_outside_the_scale_is_refused_at_the_first_episode(fitted):
    monitor = StopMonitor(Target(120), strategy="random")
    for _ in range(2):
        with pytest.raises(DataError, match="the target is 120"):
            monitor.update(20, ACCURACIES[0])
    assert fitted == []


BELOW_1 = (0.4, 0.6, 0.8, 0.9)  # as mAP in percent may begin


def test_scores_that_change_their_unit_are_refused_after_the_first_fit(fitted):
    monitor = StopMonitor(Plateau(0.0001, 20), strategy="random", metric="mAP")
    for i, score in enumerate(BELOW_1, 1):
        monitor.update(20 * i, score)
    for repetition in ("1", "2"):
        with pytest.raises(DataError, match=r"mAP is 12, but the 4 before .* percent=True"):
            monitor.update(100, 12, repetition)
    assert len(fitted) == 1
    monitor.update(100, 1 + 1e-7)  # a fraction, rounded as float32 is


def test_a_target_above_scores_below_1_needs_the_unit(fitted):
    for rule in (Target(30), Budget(500) | Unreachable(30, 400)):
        monitor = StopMonitor(rule, strategy="random", metric="mAP")
        with pytest.raises(
            DataError, match=r"target is 30, but each mAP so far is at most 1.*perc"
        ):
            monitor.update(20, BELOW_1[0])
    with pytest.warns(PalmWarning, match=r"30% is read as 0\.3"):
        assert not StopMonitor(Target("30%")).update(20, BELOW_1[0]).stop


@pytest.mark.filterwarnings("ignore:the target 95 is read as")
def test_the_unit_can_be_given(fitted):
    for percent in (True, False):
        monitor = StopMonitor(Target(95), strategy="random", percent=percent)
        for i, score in enumerate(BELOW_1, 1):
            monitor.update(20 * i, score)
        assert fitted[-1][0].score.percent is percent


def test_an_episode_that_cannot_be_judged_leaves_no_fit(fitted, monkeypatch):
    def refuse(*_, **__):
        raise DataError("it cannot be judged")

    monkeypatch.setattr(PalmFit, "decide", refuse)
    monitor = StopMonitor(Target(0.9), strategy="random")
    for i in (1, 2, 3):
        monitor.update(20 * i, ACCURACIES[i - 1])
    for _ in range(2):  # it was not taken in, so that it can be given again
        with pytest.raises(DataError, match="cannot be judged"):
            monitor.update(80, 0.83)
        assert monitor.fit is None
    assert len(fitted) == 2


def test_real_updates(fit):  # after `fit`, which has compiled the program
    monitor = StopMonitor(Target(0.86, 0.9) | Budget(120), seed=1, force=True, draws=100)
    for i, accuracy in enumerate(ACCURACIES[:3], 1):
        monitor.update(20 * i, accuracy)
    with pytest.warns(PalmWarning, match="One repetition"):
        monitor.update(80, ACCURACIES[3])
    decision = monitor.update(100, ACCURACIES[4])  # tells no warning again
    assert decision.labels == 100
    assert 0 < decision.findings[0].probability < 1
    assert monitor.update(120, 0.87).stop


def test_a_rule_is_checked_at_once():
    with pytest.raises(DataError, match=r"rule is 0\.9, but must be a stop rule"):
        StopMonitor(0.9)
