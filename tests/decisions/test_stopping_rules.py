"""Stop rules on made-up draws whose probabilities and costs are known."""

from dataclasses import replace

import numpy as np
import pytest

from palm_bayes.data.score import Score
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import Budget, NetValue, Plateau, Pool, Target, Unreachable
from palm_bayes.errors import DataError, PalmWarning


def outlook(draws, batch=10.0, now=100.0, percent=False, lower=False):
    """Draws, dims (draw, episode), from `now` on."""
    draws = np.asarray(draws, dtype=float)
    episodes = np.arange(float(draws.shape[1]))
    return Outlook("s", now + batch * episodes, episodes, draws, Score("accuracy", percent, lower))


# In half of the draws the curve goes on as 0.80, 0.84, 0.92, in the other half it stays.
SPLIT = outlook([[0.80, 0.84, 0.92], [0.80, 0.80, 0.80]])


@pytest.mark.parametrize(("probability", "stop"), [(0.7, True), (0.8, False)])
def test_target(probability, stop):
    found = Target(0.85, probability).find(outlook([[0.9, 0.9]] * 3 + [[0.7, 0.9]]))
    assert found.stop is stop
    assert found.probability == 0.75
    assert "75 %" in found.reason
    if stop:  # 0.15 short in a quarter of the draws
        assert found.loss == pytest.approx(0.0375)
    else:
        assert found.change == "Would change with 110 labels, by this forecast."


def test_losses_have_the_unit_of_the_sentence():
    """In percent a point is 1, and the name is that of the score."""
    short = outlook([[0.9, 0.92]] * 3 + [[0.7, 0.92]], percent=True)
    found = Target(85, 0.7).find(short)
    assert found.loss == pytest.approx(3.75)
    assert "by 3.8 points on average" in found.if_wrong
    assert Plateau(30, 10, 0.5).find(short).loss == pytest.approx(7)
    of_f1 = replace(short, score=Score("F1", True))
    assert "a point of F1 is worth 80" in NetValue(0.5, 80).words(of_f1)


def test_target_in_percent_is_given_back_in_percent():
    in_percent = outlook([[0.9, 0.95]], percent=True)
    assert "92 % is reached" in Target(92).find(in_percent).reason
    assert [Target(target).find(in_percent).stop for target in (89, 91)] == [True, False]
    with pytest.raises(DataError, match=r"0.9, but the data are in percent: give 90"):
        Target(0.9).find(in_percent)
    with pytest.raises(DataError, match="the target is 120, but must be above 0 and at most 1"):
        Target(120).find(SPLIT)


@pytest.mark.parametrize("rule", [Target(0.9), Plateau(0.01, 10), Unreachable(0.9, 30)])
def test_fractions_are_refused_of_percent_by_every_rule(rule):
    """A gain of 0.01 would be a hundredth of a point: everything would be no plateau."""
    in_percent = outlook([[0.9, 0.95]], percent=True)
    with pytest.raises(DataError, match=r"but the data are in percent: give (90|1)"):
        rule.find(in_percent)
    assert Plateau(0.5, 10).find(in_percent).stop is False


@pytest.mark.parametrize("percent", [True, False])
def test_a_gain_in_percent_is_points_in_either_unit(percent):
    for points, stop in (("6%", True), ("4%", False)):
        found = Plateau(points, 10, 0.9).find(outlook([[0.9, 0.95]], percent=percent))
        assert found.stop is stop
        assert found.rule.startswith("10 more labels gain less than ")


@pytest.mark.parametrize(
    ("rule", "probability", "stop"),
    [
        (Plateau(0.05, 10, 0.9), 1.0, True),
        (Plateau(0.05, 20, 0.9), 0.5, False),
        (Plateau(0.05, 20, 0.5), 0.5, True),
        (Plateau(0.03, 10, 0.6), 0.5, False),
    ],
)
def test_plateau(rule, probability, stop):
    found = rule.find(SPLIT)
    assert (found.probability, found.stop) == (probability, stop)


def test_plateau_tells_what_is_given_up():
    assert Plateau(0.05, 20, 0.5).find(SPLIT).loss == pytest.approx(0.06)


@pytest.mark.parametrize(("percent", "least"), [(False, "0.001"), (True, "0.1 points")])
def test_a_gain_threshold_that_is_tiny_is_below_the_least_shown(percent, least):
    still = outlook([[0.8, 0.80001]], percent=percent)
    found = Plateau("5%", 10).find(still)
    assert found.change == f"Would change with a gain threshold below {least}."


def test_unreachable_takes_the_best_within_the_budget():
    falls = outlook([[0.8, 0.9, 0.7], [0.8, 0.8, 0.8]])
    assert Unreachable(0.9, 120, 0.6).find(falls).stop is True
    assert Unreachable(0.9, 120, 0.5).find(falls).stop is False
    assert Unreachable(0.9, 105, 0.1).find(falls).probability == 0
    spent = Unreachable(0.9, 90, 0.1).find(falls)
    assert "within 100 labels" in spent.reason  # the probability is that of the labels spent
    assert "within 100 labels, of which 90 were the budget, is <1 %" in spent.reason
    assert "within 90 labels" in spent.rule  # as it was asked


def test_large_numbers_of_labels_are_written_out():
    now = outlook([[0.8, 0.9]])
    assert "within 1,000,000 labels" in Unreachable(0.9, 1_000_000).words(now)
    assert "1,234,567 more labels gain less" in Plateau(0.01, 1_234_567).words(now)


def test_net_value_looks_further_than_one_step():
    # The next batch costs 10 and brings 2 points on average; two cost 20 and bring 6.
    found = NetValue(label_cost=1, point_value=4).find(SPLIT)
    assert found.stop is False
    assert found.episodes == 2
    assert found.value == pytest.approx(4 * 6 - 20)
    assert found.probability == 0.5
    # Knowing the curve one would gain 48 - 20 in one half of the cases and 0 in the other.
    assert found.loss == pytest.approx(14 - 4)


def test_net_value_stops_where_nothing_pays():
    found = NetValue(label_cost=1, point_value=3).find(SPLIT)
    assert found.stop is True
    assert found.value == pytest.approx(3 * 6 - 20)
    assert found.loss == pytest.approx((36 - 20) / 2)
    assert found.change == "Would change with an accuracy point worth more than 3.33."
    assert found.reason == (
        "no number of further episodes is worth its cost: the best is 2 further episodes, to "
        "120 labels, with an expected net value of -2"
    )


def test_labels_that_cost_nothing_always_pay():
    found = NetValue(label_cost=0, point_value=4).find(SPLIT)
    assert (found.stop, found.change) == (
        False, "Nothing would change it: further labels cost nothing."
    )  # fmt: skip


def test_many_episodes_are_written_out():
    labels = np.array([100.0, 100_100.0])
    far = Outlook("a", labels, np.array([0.0, 5000.0]), np.array([[0.5, 0.9]]), Score())
    assert "the best is 5,000 or more further episodes" in NetValue(0, 1).find(far).reason


def test_episodes_cost_too():
    assert NetValue(1, 4, episode_cost=1.9).find(SPLIT).stop is False
    assert NetValue(1, 4, episode_cost=2.1).find(SPLIT).stop is True


def test_net_value_without_a_further_episode_stops():
    assert NetValue(1, 4).find(outlook([[0.8]])).stop is True


@pytest.mark.parametrize(("labels", "stop"), [(101, False), (100, True), (99, True)])
@pytest.mark.parametrize("rule", [Budget, Pool])
def test_what_is_spent_needs_no_draw(rule, labels, stop):
    empty = outlook(np.empty((0, 1)))
    found = rule(labels).find(empty)
    assert found.stop is stop
    name = rule.__name__.lower()
    assert name in found.reason
    other = f"a larger {name}" if stop else f"a {name} of at most 100 labels"
    assert found.change == f"Would change with {other}."
    assert rule(labels).horizon(100) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Target(-1), "accuracy is -1, but must be above 0"),
        (lambda: Target(float("nan")), "accuracy is nan"),
        (lambda: Target(0.9, 80), "probability is 80, but must be above 0 and below 1"),
        (lambda: Plateau(0.01, 0), "labels is 0"),
        (lambda: Unreachable(0.9, 0), "budget is 0"),
        (lambda: Unreachable(0.9, "all"), "budget is 'all', but must be a number"),
        (lambda: Target(0.9, None), "probability is None, but must be a number"),
        (lambda: NetValue("free", 80), "label_cost is 'free', but must be a number"),
        (lambda: NetValue(-1, 1), "label_cost is -1"),
        (lambda: NetValue(1, 0), "point_value is 0"),
        (lambda: Budget(0), "budget is 0"),
        (lambda: Pool(-5), "pool is -5"),
        (lambda: Budget(5) | 0.9, "rule is 0.9, but must be a stop rule, such as Target"),
        (lambda: (Budget(5) | Pool(9)) & Target, "rule is .*Target.*, but must be a stop rule"),
    ],
)
def test_rules_that_make_no_sense_are_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_rules_in_words_have_the_scale_of_the_data():
    """A target of 93 is 0.93 of fractions, and the rule says so."""
    with pytest.warns(PalmWarning, match="read as 0.93"):
        assert Target(93).words(SPLIT) == "0.93 is reached with a probability of at least 80 %"
    in_percent = outlook([[0.9, 0.95]], percent=True)
    assert Unreachable("93%", 600, 0.025).words(in_percent) == (
        "93 % is reached within 600 labels with a probability below 2.5 %"
    )
    assert Plateau(0.5, 60).words(in_percent).startswith("60 more labels gain less than 0.5 points")
    assert NetValue(0.5, 80).words(SPLIT) == (
        "no further episode is worth its cost (0.5 per label; an accuracy point is worth 80)"
    )
