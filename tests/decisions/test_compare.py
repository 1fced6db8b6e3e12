"""Comparisons of made-up draws, whose answers are known, and of a real fit."""

import json

import numpy as np
import pytest
import xarray as xr

from palm_bayes.decisions import pairwise
from palm_bayes.decisions.compare import compare
from palm_bayes.decisions.label_budget import labels_to_reach
from palm_bayes.errors import DataError
from palm_bayes.report.tables import compared, compared_numbers


@pytest.fixture
def runs(made_up):
    return made_up.task({"a": (0.1, 0.2, 0.3), "random": (0.2, 0.1, 0.3)})


@pytest.fixture
def two(runs, made_up):
    """`a` leads in three of four samples by 4, 4, 0.5 points, and trails by 8 in the last."""
    ahead = [made_up.line(0.1 + d, 0.05) for d in (0.04, 0.04, 0.005, -0.08)]
    return made_up.stand_in(runs, {"a": ahead, "random": [made_up.line(0.1, 0.05)] * 4})


def test_pairs_and_ranking(two):
    found = compare(two, 30)
    pair = found.pairs.iloc[0]
    assert pair["p_better"] == 0.5
    assert pair["p_equal"] == 0.25
    assert pair["p_worse"] == 0.25
    assert pair["p_above"] == 0.75
    ranking = found.ranking.set_index("strategy")
    assert list(ranking.index) == ["a", "random"]
    assert ranking["p_best"].tolist() == [0.75, 0.25]
    assert ranking["expected_loss"].to_numpy() == pytest.approx([0.02, 0.085 / 4])
    # better by more than a point with only 50 % probability
    assert ranking["standing"].tolist() == ["first", "not ruled out"]
    assert found.matrix.loc["a", "random"] == 0.75


@pytest.mark.parametrize(
    ("behind", "standing", "words"),
    [
        ([0.02] * 9 + [0.0], "ruled out", "; all others are ruled out"),
        ([0.02] * 8 + [0.0] * 2, "not ruled out", "; not ruled out: b (P(worse by more than"),
        ([0.005] * 9 + [0.02], "equivalent", "; equivalent: b (P(within 0.01 of it) at least"),
        ([0.005] * 8 + [0.02] * 2, "not ruled out", "; not ruled out: b ("),
    ],
)
def test_standing_is_told_where_it_is_sure(made_up, behind, standing, words):
    runs = made_up.task({"a": (0.1, 0.2), "b": (0.2, 0.1)})
    curves = {
        "a": [made_up.line(0.2, 0.05)] * 10,
        "b": [made_up.line(0.2 - far, 0.05) for far in behind],
    }
    found = compare(made_up.stand_in(runs, curves), 30)
    assert found.ranking["standing"].tolist() == ["first", standing]
    assert words in found.sentence
    assert "tied" not in found.sentence


def test_equal_strategies_share_being_best(runs, made_up):
    same = [made_up.line(0.1, 0.05)]
    ranking = compare(made_up.stand_in(runs, {"a": same, "random": same}), 30).ranking
    assert ranking["p_best"].tolist() == [0.5, 0.5]


def test_wide_rope_makes_all_equal(two):
    assert (compare(two, 30, rope=0.2).pairs["p_equal"] == 1).all()


def test_speed_up(runs, made_up):
    curves = {
        "a": [made_up.line(0.1, 0.1), made_up.line(0, 0.05)],
        "random": [made_up.line(0.1, 0.05)] * 2,
    }
    found = compare(made_up.stand_in(runs, curves), 40)
    row = found.speed_up.iloc[0]
    # 0.3 at 40 labels: a has it after 20 in one sample, after 60 in the other
    assert [row["lower"], row["upper"]] == pytest.approx([0.5, 1.5])
    assert row["p_faster"] == 0.5
    assert found.reference == "random"
    assert found.share("a") == "50 % [50-150]"
    with pytest.raises(DataError, match=r"no row of speed_up 'random': there are a$"):
        found.share("random")
    assert "reaches random's accuracy with 50 % [50-150] of its labels." in found.sentence


def test_speed_up_past_the_range_is_infinite(runs, made_up):
    found = compare(
        made_up.stand_in(runs, {"a": [made_up.line(0, 0.01)], "random": [made_up.line(0.5, 0.01)]}),
        40,
    )
    assert np.isinf(found.speed_up["median"][0])
    assert found.share("a") == ">250 %"
    assert (
        json.loads(json.dumps(found.document(), allow_nan=False))["speed_up"][0]["median"] is None
    )


def test_crossing(runs, made_up):
    curves = {
        "a": [made_up.line(0, 0.1), made_up.line(0.3, 0.1)],
        "random": [made_up.line(0.2, 0.05)] * 2,
    }
    table = compare(made_up.stand_in(runs, curves), 50).crossings
    assert table["p_overtakes"].tolist() == [0.5, 0]
    assert table["median"][0] == pytest.approx(40)
    assert np.isnan(table["median"][1])


def test_area_is_mean_accuracy_on_the_way(runs, made_up):
    found = compare(
        made_up.stand_in(runs, {"a": [made_up.line(0, 0.1)], "random": [made_up.line(0, 0.05)]}), 50
    )
    assert found.area["median"].to_numpy() == pytest.approx([0.3, 0.15])
    assert found.area["p_best"].tolist() == [1, 0]
    first = compare(
        made_up.stand_in(runs, {"a": [made_up.line(0, 0.1)], "random": [made_up.line(0, 0.05)]}), 10
    )
    assert first.area["median"].to_numpy() == pytest.approx([0.1, 0.05])


def test_scale_and_unit_are_the_users(made_up):
    runs = made_up.task({"a": (0.1, 0.2), "b": (0.2, 0.1)}, percent=True, labels=False)
    found = compare(
        made_up.stand_in(runs, {"a": [made_up.line(0.1, 0.05)], "b": [made_up.line(0.12, 0.05)]})
    )
    assert (found.unit, found.at, found.rope, found.reference) == ("episodes", 5, 1, "a")
    assert found.ranking["median"].to_numpy() == pytest.approx([37, 35])
    assert "Today (5 episodes) b comes first" in found.sentence


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at": 5}, "at is 5, but must be at least the first labels seen: 10"),
        ({"at": float("nan")}, "at is nan"),
        ({"at": "x"}, "at is 'x', but must be a number"),
        ({"rope": [1, 2]}, r"rope is \[1, 2\], but must be a number"),
        ({"at": 50, "until": 40}, "until is 40, but must be at least the budget compared at: 50"),
        ({"rope": -1}, "rope is -1, but must be at least 0 and below 1"),
        ({"probability": 1}, "probability is 1"),
        ({"reference": "rand"}, "no strategy 'rand'.*did you mean 'random'"),
    ],
)
def test_bad_questions(two, options, words):
    with pytest.raises(DataError, match=words):
        compare(two, **options)


def test_one_strategy_is_no_error(runs, made_up):
    found = compare(made_up.stand_in(runs.strategy("a"), {"a": [made_up.line(0.1, 0.05)]}), 30)
    assert found.sentence == "At 30 labels a, the only strategy, is at 0.250."
    json.dumps(found.document(), allow_nan=False)
    (table,) = compared(found).values()
    assert table["P(worse)"].tolist() == [""]
    assert compared_numbers(found)["strategy"].tolist() == ["a"]
    assert found.matrix.isna().all(axis=None)
    assert found.plot() is not None


def test_no_chance_is_below_zero():
    """1 - .9 - .1 is -3e-17."""
    difference = xr.DataArray([0.5] * 9 + [-0.5], dims="sample")
    assert pairwise.shares(difference, 0.1)["p_equal"] == 0


def test_sentence_is_of_the_numbers(two):
    found = compare(two, 30)
    assert "a comes first: it is best with 75 % probability, expected loss 0.020" in found.sentence
    assert "; not ruled out: random (P(worse by more than 0.01) below 90 %)" in found.sentence
    assert found.document()["sentence"] == found.sentence


def test_differences_are_in_the_scale_of_the_data_too(made_up):
    percent = made_up.task({"a": (0.1, 0.2), "b": (0.1, 0.2)}, percent=True)
    curves = {"a": [made_up.line(0.1, 0.05)], "b": [made_up.line(0.1, 0.04)]}
    fit = made_up.stand_in(percent, curves)
    assert compare(fit, 30, rope=0.5).rope == 0.5
    with pytest.raises(DataError, match=r"rope is 0\.01, but the data are in percent: give 1,"):
        compare(fit, 30, rope=0.01)
    with pytest.raises(DataError, match=r"delta_target is 0\.05, but .* in percent: give 5,"):
        labels_to_reach(fit, 15, delta_target=0.05)


@pytest.mark.parametrize(("percent", "points"), [(True, 2), (False, 0.02)])
def test_differences_in_percent_are_points_in_either_unit(made_up, percent, points):
    task = made_up.task({"a": (0.1, 0.2), "b": (0.1, 0.2)}, percent=percent)
    curves = {"a": [made_up.line(0.1, 0.05)], "b": [made_up.line(0.1, 0.04)]}
    fit = made_up.stand_in(task, curves)
    assert compare(fit, 30, rope="2%").rope == points
    target = 15 if percent else 0.15
    assert labels_to_reach(fit, target, delta_target="2%").half_width == points
    with pytest.raises(DataError, match="rope is 'two', but must be a number"):
        compare(fit, 30, rope="two")


def test_real_fit(fit):
    found = fit.compare(500)
    assert found.ranking["p_best"].sum() == pytest.approx(1)
    assert set(found.pairs[["p_better", "p_equal", "p_worse"]].sum(axis=1).round(9)) == {1}
    assert 0 < found.shared < 1
    one, other = (fit.forecast(labels=[240]).draws.squeeze("x").isel(strategy=i) for i in (0, 1))
    together = (one - other).std().item()  # where repetitions share their noise
    assert together < 0.9 * np.hypot(one.std().item(), other.std().item())


def test_numbers_of_numpy_are_written_as_json(fit):
    json.dumps(fit.compare(500, probability=np.float32(0.75)).document())
    found = fit.labels_to_reach(0.93, within=np.int64(400), assurance=np.float32(0.75))
    json.dumps(found.document())


def test_crossings_are_numbers(fit):
    kinds = fit.compare(500).crossings.dtypes
    assert {kinds[name].name for name in ("median", "lower", "upper")} == {"float64"}
