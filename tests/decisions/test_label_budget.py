"""Labels to a target on made-up draws, whose answers are known, and on a real fit."""

import json
from dataclasses import replace

import numpy as np
import pytest

from palm_bayes.decisions.label_budget import labels_to_reach
from palm_bayes.errors import DataError


@pytest.fixture
def runs(made_up):
    return made_up.task({"a": (0.1, 0.2, 0.3), "b": (0.2, 0.1, 0.3)})


def test_budgets_are_whole_episodes(four):
    found = labels_to_reach(four, 0.5, assurance=0.75, within=60, until=100, probability=0.5)
    assert sorted(found.needed.sel(strategy="a").to_numpy()) == [30, 50, 80, np.inf]
    row = found.table.set_index("strategy").loc["a"]
    assert row[["budget", "median", "lower", "upper"]].tolist() == [80, 50, 30, 80]
    assert row[["p_never", "p_within", "p_reached"]].tolist() == [0.25, 0.5, 0.5]
    assert found.table["strategy"].tolist() == ["b", "a"]


def test_assurance_out_of_reach_is_infinite(four):
    found = labels_to_reach(four, 0.5, assurance=0.8, until=100)
    assert np.isinf(found.table.set_index("strategy").loc["a", "budget"])
    assert (
        json.loads(json.dumps(found.document(), allow_nan=False))["strategies"][1]["budget"] is None
    )


def test_chances_grow_and_agree_with_the_table(four):
    found = labels_to_reach(four, 0.5, assurance=0.75, until=100)
    assert (found.chances.diff().dropna() >= 0).all(axis=None)
    assert found.chances.loc[100, "a"] == 0.75
    assert found.chances.loc[80, "a"] >= 0.75 > found.chances.loc[70, "a"]


def test_first_passage_counts_paths_that_fall_again(runs, made_up):
    hump = [lambda x: 0.6 - 0.1 * abs(x - 7)]
    found = labels_to_reach(made_up.stand_in(runs, {"a": hump, "b": hump}), 0.55, until=100)
    assert found.needed.to_numpy().tolist() == [[70, 70]]


def test_a_budget_past_the_default_range_is_counted_in_full(four):
    """The range goes to it; it may be all of the pool."""
    far, all_of_it = (labels_to_reach(four, 0.5, within=800, until=until) for until in (None, 800))
    assert far.until == 800
    for found in (far, all_of_it):
        assert found.table.set_index("strategy")["p_within"].to_dict() == {"a": 0.75, "b": 1}


def test_a_budget_within_an_episode_has_a_smaller_last_batch(four):
    """That `a` is there after 42 labels counts for 44 of them; what is asked beside it does not."""
    runs = [labels_to_reach(four, 0.5, within=64, until=until) for until in (64, 100)]
    more = labels_to_reach(four, 0.5, within=55, until=100)
    for found in runs:
        assert found.table.set_index("strategy")["p_within"].to_dict() == {"a": 0.5, "b": 1}
    assert more.table.set_index("strategy")["p_within"].to_dict() == {"a": 0.5, "b": 1}
    assert more.needed.sel(strategy="b").to_numpy().tolist() == [60] * 4  # whole episodes, still


def test_last_batch_ends_with_the_pool(four):
    found = labels_to_reach(four, 0.5, until=75)
    assert found.paths["budget"].to_numpy().tolist() == [10, 20, 30, 40, 50, 60, 70, 75]


def test_a_target_in_percent_is_that_of_fractions(made_up):
    runs = made_up.task({"a": (0.1, 0.2, 0.3), "b": (0.2, 0.1, 0.3)}, percent=True)
    percent = made_up.stand_in(runs, {"a": [made_up.line(0.1, 0.05)], "b": [made_up.line(0, 0.1)]})
    found = labels_to_reach(percent, 50, until=100)
    assert found.needed.sel(strategy=["a", "b"]).to_numpy().tolist() == [[80, 50]]
    assert labels_to_reach(percent, "50%", until=100).needed.equals(found.needed)


def test_rule_is_asked_of_every_draw(four):
    found = labels_to_reach(four, 0.5, until=100, delta_target=0.1, eta=0.05)
    table = found.alda.set_index("strategy")
    # a is cheaper than b in two of four draws
    assert table.loc["a", ["p_feasible", "p_competitive", "p_chosen"]].tolist() == [0.75, 0.5, 0.5]
    assert table["p_chosen"].sum() == 1
    assert table.loc["a", "B_abs"] == 50  # 42, in whole episodes
    assert table.loc["a", "piloting"] == 50
    assert table.loc["b", "in_all"] == 110
    assert table["p_risky"].between(0, 0.5).all()
    assert np.isnan(found.alda["W"]).sum() == 0


def test_the_answer_is_nearer_than_the_tables(four):
    assert labels_to_reach(four, 0.5, assurance=0.8).answered == 60
    assert labels_to_reach(four, 0.5, assurance=0.8, within=90).answered == 90
    assert labels_to_reach(four, 0.2).answered == 50  # reached today
    assert labels_to_reach(four, 1.0, until=70).answered == 70


def test_of_means_no_single_run_is_named(made_up, four):
    """Their noise is less than that of a run, and so is the budget."""
    assert "(a single run)" in labels_to_reach(four, 0.5, scope="new").sentence
    table = four.runs.table.assign(standard_error=0.01, mean_of=[5.0] * 15 + [3.0] * 15)
    four.runs = replace(four.runs, table=table)
    found = labels_to_reach(four, 0.5, scope="new")
    assert "reaches 0.5 (a mean of 3-5 runs) by 60 labels" in found.sentence
    assert found.plot().axes[0].get_title(loc="left") == "A mean of 3-5 runs has reached 0.5"
    four.runs = replace(four.runs, table=table.assign(mean_of=np.nan))
    assert "(a mean of runs)" in labels_to_reach(four, 0.5, scope="new").sentence


def test_rule_speaks_of_the_expected_curve_whatever_the_scope(runs, made_up):
    fit = made_up.stand_in(runs, {"a": [made_up.line(0, 0.1)], "b": [made_up.line(0, 0.05)]})
    noisy = made_up.stand_in(runs, {"a": [made_up.line(0, 0.2)], "b": [made_up.line(0, 0.2)]})
    expected = fit.forecast
    fit.forecast = lambda scope="expected", **at: (
        expected(**at) if scope == "expected" else noisy.forecast(**at)
    )
    found = labels_to_reach(fit, 0.4, scope="new")
    assert found.needed.to_numpy().tolist() == [[20, 20]]
    assert found.alda["B_abs"].to_numpy() == pytest.approx([40, 80])


def test_sentence_is_of_the_numbers(four):
    found = labels_to_reach(four, 0.5, assurance=0.8, within=60, until=100)
    assert "b reaches 0.5 (the expected curve) by 60 labels with 80 % probability" in found.sentence
    assert "60 labels suffice with >99 % probability" in found.sentence
    never = labels_to_reach(four, 1.0, until=60)
    assert "No strategy reaches 1 (the expected curve) by 60 labels" in never.sentence
    assert "finds no strategy feasible" in never.sentence
    assert "b has reached 0.2 (the expected curve) today (50 labels) with" in (
        labels_to_reach(four, 0.2).sentence
    )


def test_a_single_strategy_is_not_chosen_among_several(made_up):
    one = made_up.stand_in(made_up.task({"a": (0.2,)}), {"a": [made_up.line(0.1, 0)] * 4})
    assert labels_to_reach(one, 0.9, until=60).sentence == (
        "a reaches 0.9 (the expected curve) by 60 labels with <1 % probability (80 % required)."
    )


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        (5, {}, "the target is 5, but must be above 0 and at most 1"),
        (0.5, {"within": 40}, "within is 40, but must be at least the 50 labels seen"),
        (0.5, {"until": 40}, "until is 40"),
        (0.5, {"within": 90, "until": 80}, "within is 90, but must be at most until, 80"),
        (0.5, {"assurance": 1}, "assurance is 1"),
        (0.5, {"assurance": "sure"}, "assurance is 'sure', but must be a number"),
        (0.5, {"within": "all"}, "within is 'all', but must be a number"),
        (0.5, {"probability": "0.9"}, "probability is '0.9', but must be a number"),
        (0.5, {"seed": "a"}, "seed is 'a', but must be a whole number"),
        (0.5, {"eta": None}, "eta is None, but must be a number"),
        (0.5, {"eta": -1}, "eta is -1"),
        (0.5, {"delta_target": float("nan")}, "delta_target is nan"),
        (0.5, {"scope": "continuing"}, "no scope 'continuing'"),
    ],
)
def test_bad_questions(four, target, options, words):
    with pytest.raises(DataError, match=words):
        labels_to_reach(four, target, **options)


def test_real_fit(fit):
    found = fit.labels_to_reach(0.9, assurance=0.9, seed=3)
    curve = fit.forecast(labels=found.table["budget"].iloc[[0]]).draws
    reached = (curve.sel(strategy=found.table["strategy"][0]) >= 0.9).mean()
    assert reached >= 0.9
    figure = found.plot()
    assert figure.axes[0].get_xlabel() == "Labels"
    figure.draw_without_rendering()
