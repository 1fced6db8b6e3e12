"""Runs: validation, the x axis, subsets, the hash."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from palm_bayes.data.cells import natural
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, PalmError


def tidy(strategies=("margin", "random"), repetitions=3, episodes=6, batch=20.0, percent=False):
    """A plain task: rising curves, all runs alike in shape."""
    rows = [
        (s, str(r), e, e * batch, 0.3 + 0.1 * i + 0.4 * (1 - 0.6**e) + 0.001 * r)
        for i, s in enumerate(strategies)
        for r in range(1, repetitions + 1)
        for e in range(1, episodes + 1)
    ]
    frame = pd.DataFrame(rows, columns=["strategy", "repetition", "episode", "labels", "accuracy"])
    return frame.assign(accuracy=frame["accuracy"] * (100 if percent else 1))


def changed(row, column, value):
    frame = tidy().astype({column: object})
    frame.loc[row, column] = value
    return frame


def message(frame, **options):
    with pytest.raises(DataError) as caught:
        Runs.from_frame(frame, **options)
    assert isinstance(caught.value, PalmError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_table_is_sorted_typed_and_complete():
    frame = tidy(("random", "margin"), repetitions=11).sample(frac=1, random_state=1)
    first = list(dict.fromkeys(frame["strategy"]))
    runs = Runs.from_frame(frame.assign(extra=1))
    assert list(runs.table.columns) == [
        "strategy",
        "repetition",
        "episode",
        "labels",
        "x",
        "accuracy",
    ]
    assert list(runs.strategies) == first
    assert list(runs.table["repetition"].unique()) == [str(r) for r in range(1, 12)]
    assert runs.table["episode"].dtype == np.int64
    assert isinstance(runs.table.index, pd.RangeIndex)
    assert runs.batch == 20
    np.testing.assert_array_equal(runs.table["x"], runs.table["episode"])
    assert runs.labels_known
    assert not runs.score.percent
    assert runs.score.unit == 1


def test_natural_order():
    assert sorted(["10", "2", "1_seed42", "b", "1"], key=natural) == [
        "1",
        "1_seed42",
        "2",
        "10",
        "b",
    ]


def test_input_frame_is_left_alone():
    frame = tidy(percent=True)
    before = frame.copy()
    Runs.from_frame(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_percent_is_recognised_and_said():
    runs = Runs.from_frame(tidy(percent=True))
    assert runs.score.percent
    assert runs.score.unit == 100
    assert runs.table["accuracy"].max() < 1
    assert runs.notes[0].startswith("Accuracy is read as percent: the largest value is 78")
    assert "as a fraction" in Runs.from_frame(tidy()).notes[0]


def test_percent_may_start_below_one():
    frame = tidy(percent=True)
    frame.loc[frame["episode"] == 1, "accuracy"] = 0.9
    assert Runs.from_frame(frame).table["accuracy"].min() == pytest.approx(0.009)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Runs.from_frame(3), "the frame is of type int, but must be a DataFrame of pandas"),
        (lambda: Runs.from_frame([tidy()]), "the frame is of type list, but must be a DataFrame"),
        (lambda: Runs.from_frame(tidy(), dataset=3), "dataset is of type int, but must be text"),
        (lambda: Runs.from_frame(tidy(), model=["a"]), "model is of type list, but must be text"),
        (lambda: Runs.from_frame(tidy()).labels_at("a"), "x is 'a', but must be a number"),
        (lambda: Runs.from_frame(tidy()).labels_at(None), "x is None, but must be a number"),
        (lambda: Runs.from_frame(tidy()).x_at(["a"]), r"labels is \['a'\], but must be numbers"),
        (lambda: Runs.from_frame(tidy()).select(3), "no strategy 3: there are"),
        (lambda: Runs.from_frame(tidy()).strategy(["a"]), "strategy is of type list, but must be"),
    ],
)
def test_arguments_of_another_type_are_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()


def test_rounding_just_above_the_scale_is_clipped():
    assert Runs.from_frame(changed(5, "accuracy", 1.0000001)).table["accuracy"].max() == 1


@pytest.mark.parametrize(
    ("row", "column", "value", "parts"),
    [
        (7, "accuracy", np.nan, ["margin, repetition 2, episode 2: accuracy is 'nan'", "0 to 1"]),
        (7, "accuracy", np.inf, ["accuracy is 'inf'"]),
        (7, "accuracy", "0,8", ["accuracy is '0,8'"]),
        (7, "accuracy", -0.1, ["accuracy is -0.1, but must be 0 to 1, or 0 to 100 in percent"]),
        (7, "accuracy", 101.0, ["accuracy is 101, but must be 0 to 1, or 0 to 100"]),
        (7, "accuracy", 1.2, ["accuracy is 1.2 where most are at most 1, but must be 0 to 1"]),
        (7, "labels", "x", ["episode 2: labels is 'x', but must be a number above 0"]),
        (7, "labels", np.nan, ["labels is 'nan'"]),
        (7, "labels", 0, ["labels are 0, but must be above 0"]),
        (7, "labels", 20, ["labels are 20 after 20, they must increase at every episode"]),
        (7, "labels", 500, ["episode 3: labels are 60 after 500"]),
        (7, "episode", 1, ["strategy margin, repetition 2, episode 1: a second row for this ep"]),
        (7, "episode", 1.5, ["episode 1.5: the episode must be a whole number from 1"]),
        (7, "episode", -1, ["episode -1", "whole number"]),
        (7, "strategy", " ", ["repetition 2, episode 2: the strategy is empty"]),
        (7, "repetition", None, ["strategy margin, episode 2: the repetition is empty"]),
    ],
)
def test_bad_cells_are_named(row, column, value, parts):
    said = message(changed(row, column, value))
    assert all(part in said for part in parts), said


def test_mixed_scales_name_the_run():
    frame = tidy()
    frame.loc[frame["repetition"] != "2", "accuracy"] *= 100
    said = message(frame)
    assert "at most 1 in margin repetition 2, random repetition 2" in said
    assert "allowed is one scale" in said


def test_too_few_episodes_counts_the_longest_repetition():
    assert "the longest repetition has 3 of the 4 episodes needed" in message(tidy(episodes=3))
    frame = tidy()
    runs = Runs.from_frame(frame[(frame["repetition"] == "1") | (frame["episode"] <= 2)])
    assert len(runs.table) == 2 * (6 + 2 + 2)


def test_columns_and_rows_are_needed():
    assert "found strategy, labels" in message(tidy()[["strategy", "labels"]])
    assert "found strategy, accuracy" in message(tidy()[["strategy", "accuracy"]])
    assert message(tidy().iloc[:0]) == "the table has no rows"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"batch": 0}, "is 0, but must be"),
        ({"batch": np.nan}, "is nan, but must be"),
        ({"batch": 10**400}, "batch (--budget-size) is too large: it must be below 1e308"),
        ({"max_repetitions": 10**5000}, "(--num-variants) is too large: it must be below"),
        ({"x_mode": "rounds"}, "x_mode is 'rounds', but must be 'labels' or 'episodes'"),
        ({"max_repetitions": 0}, "is 0, but must be at least 1"),
        ({"max_episodes": 3}, "is 3, but must be at least 4"),
        ({"max_episodes": 4.5}, "is 4.5, but must be a whole number"),
        ({"x_mode": ["labels"]}, "x_mode is ['labels'], but must be"),
        ({"percent": np.ones(2)}, "percent is array([1., 1.]), but must be True, False or None"),
        ({"lower_is_better": np.ones(2)}, "lower_is_better is array([1., 1.]), but must be"),
        ({"metric": []}, "metric is of type list, but must be text"),
        ({"notes": 3}, "a note is of type int, but must be text"),
        ({"notes": None}, "a note is of type NoneType, but must be text"),
    ],
)
def test_bad_options(options, part):
    assert part in message(tidy(), **options)


def test_truth_values_of_numpy_are_options():
    runs = Runs.from_frame(tidy(), percent=np.False_, lower_is_better=np.True_, notes="one run")
    assert runs.score.lower_is_better is True
    assert runs.notes[0] == "one run"


def test_episode_is_the_rank_of_labels_where_it_is_missing():
    frame = tidy().sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(
        Runs.from_frame(frame.drop(columns="episode")).select(["margin", "random"]).table,
        Runs.from_frame(tidy()).table,
    )
    twice = pd.concat([frame, frame.iloc[:1]]).drop(columns="episode")
    assert "a second row for" in message(twice)


def test_episodes_from_zero_are_shifted():
    frame = tidy()
    runs = Runs.from_frame(frame.assign(episode=frame["episode"] - 1))
    assert runs.table["episode"].min() == 1
    assert "Episodes are counted from 0" in runs.notes[0]


@pytest.mark.parametrize(
    ("numbers", "counted"),
    [
        ([20, 40, 60, 80, 100], [1, 2, 3, 4, 5]),
        ([0, 20, 40, 60, 80], [1, 2, 3, 4, 5]),
        ([5, 15, 25, 45, 55], [1, 2, 3, 5, 6]),
        ([40, 60, 80, 100, 120], [2, 3, 4, 5, 6]),
        ([20, 40, 60, 80, 81], [20, 40, 60, 80, 81]),
    ],
)
def test_episodes_are_counted_by_ones(numbers, counted):
    """Noise is autocorrelated by episodes: the same runs must not depend on their numbers."""
    accuracy = [0.5, 0.6, 0.65, 0.68, 0.7]
    frame = pd.DataFrame({"strategy": "a", "episode": numbers, "accuracy": accuracy})
    known = frame.assign(labels=[20, 40, 60, 80, 100])
    for runs in (Runs.from_frame(known), Runs.from_frame(frame)):
        assert runs.table["episode"].tolist() == counted
        shown = any(f"numbered {numbers[0]}, {numbers[1]}, " in note for note in runs.notes)
        assert shown is (counted != numbers)
    given = Runs.from_frame(frame, batch=10)  # labels are the episodes' numbers times 10
    assert given.table["labels"].diff().tolist()[1:] == (10 * np.diff(numbers)).tolist()


def test_unknown_labels():
    runs = Runs.from_frame(tidy().drop(columns="labels"))
    assert not runs.labels_known
    assert runs.batch == 1
    assert "Labels are unknown: x is the episode." in runs.notes
    np.testing.assert_array_equal(runs.table["x"], runs.table["episode"])
    assert np.isnan(runs.labels_at([1, 2])).all()
    with pytest.raises(DataError, match=r"per episode .* \(batch= in Python, --budget-size"):
        runs.x_at(3)
    known = Runs.from_frame(tidy().drop(columns="labels"), batch=50)
    assert known.labels_known
    assert known.batch == 50
    assert known.labels_at(3) == 150


def test_start_pool_and_uneven_batches():
    frame = tidy()
    frame["labels"] += 30
    runs = Runs.from_frame(frame)
    assert runs.batch == 20
    assert runs.table["x"].iloc[0] == 2.5
    assert "The start pool (50 labels) is not one batch (20): x starts at 2.5." in runs.notes
    frame.loc[frame["episode"] == 6, "labels"] += 10
    assert any("Batches are uneven (20 to 30 labels)" in n for n in Runs.from_frame(frame).notes)
    assert Runs.from_frame(frame, batch=10).table["x"].iloc[0] == 5


def test_episode_axis_converts_through_the_observed_points():
    frame = tidy(episodes=5)
    frame["labels"] = frame["episode"].map({1: 100, 2: 120, 3: 140, 4: 160, 5: 200})
    runs = Runs.from_frame(frame, x_mode="episodes")
    np.testing.assert_array_equal(runs.table["x"], runs.table["episode"])
    np.testing.assert_allclose(runs.labels_at([1, 1.5, 5, 6]), [100, 110, 200, 220])
    np.testing.assert_allclose(runs.x_at(runs.labels_at([1, 1.5, 5, 6])), [1, 1.5, 5, 6])


def test_subsets_keep_batch_and_scale():
    runs = Runs.from_frame(tidy(percent=True).assign(file="a.csv"), dataset="d", model="m")
    one = runs.strategy("random")
    assert one.strategies == ("random",)
    assert set(one.origins) == {("random", r) for r in "123"}
    assert (one.batch, one.score.percent, one.dataset, one.model) == (20, True, "d", "m")
    assert isinstance(one.table.index, pd.RangeIndex)
    assert runs.select(["random", "margin"]).strategies == ("random", "margin")
    assert runs.first(2).table["episode"].max() == 2
    assert set(runs.limited(2, None).table["repetition"]) == {"1", "2"}
    with pytest.raises(DataError, match="did you mean 'margin'"):
        runs.strategy("margn")
    with pytest.raises(DataError, match="no strategy is named: there are margin, random"):
        runs.select([])
    with pytest.raises(DataError, match="at least 1"):
        runs.first(0)


def test_strategies_that_were_asked_for_are_not_in_pickles():
    runs = Runs.from_frame(tidy().assign(file="a.csv"), dataset="d")
    fresh = pickle.dumps(runs)
    one = runs.strategy("random")
    assert runs.strategy("random") is one
    assert pickle.dumps(runs) == fresh
    again = pickle.loads(fresh)
    assert again.sha256() == runs.sha256()
    assert (again.origins, again.dataset) == (runs.origins, "d")
    pd.testing.assert_frame_equal(again.strategy("random").table, one.table)


def test_describe():
    runs = Runs.from_frame(tidy())
    assert runs.describe() == "2 strategies x 3 repetitions x 6 episodes, 20 labels each"
    frame = tidy(("margin",), repetitions=2).query("repetition == '1' or episode <= 5")
    frame = frame.drop(columns="labels")
    assert Runs.from_frame(frame).describe() == (
        "1 strategy x 2 repetitions x 5-6 episodes, labels unknown"
    )


def test_first_episodes_are_refused_as_at_first():
    """Runs that begin with episode 3 have two of the first four."""
    late = tidy(("random",)).query("episode >= 3")
    frame = pd.concat([tidy(("margin",)), late])
    said = message(frame, max_episodes=4)
    assert "the longest repetition has 2 of the 4 episodes needed" in said
    runs = Runs.from_frame(frame)
    with pytest.raises(DataError) as error:
        runs.limited(None, 4)
    assert str(error.value) == said
    one = Runs.from_frame(tidy(("margin",)), max_episodes=4)
    pd.testing.assert_frame_equal(runs.strategy("margin").limited(None, 4).table, one.table)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_hash_ignores_row_order_and_scale_only(seed):
    runs = Runs.from_frame(tidy())
    mixed = Runs.from_frame(tidy(percent=True).sample(frac=1, random_state=seed))
    assert mixed.sha256() == runs.sha256()
    assert Runs.from_frame(changed(seed % 36, "accuracy", 0.123)).sha256() != runs.sha256()
    assert Runs.from_frame(tidy(), batch=10).sha256() != runs.sha256()


def test_hash_is_pinned():
    sha = Runs.from_frame(tidy(("margin",), repetitions=1, episodes=4)).sha256()
    assert sha == "75661555ddf456bb59d1bd5ff395e00f890c9d36bc83959512c22f9f6171b64d"


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.integers(1, 500), min_size=4, max_size=12),
    values=st.lists(st.floats(0.02, 1), min_size=12, max_size=12),
)
@example(steps=[1] * 4, values=[0.0625] * 3 + [0.03125] + [1.0] * 8)
def test_x_increases_and_percent_round_trips(steps, values):
    n = len(steps)
    frame = pd.DataFrame({"strategy": "margin", "labels": np.cumsum(steps), "accuracy": values[:n]})
    runs = Runs.from_frame(frame)
    assert (runs.table["x"] > 0).all()
    assert (runs.table["x"].diff().dropna() > 0).all()
    np.testing.assert_allclose(runs.labels_at(runs.table["x"]), np.cumsum(steps))
    np.testing.assert_allclose(runs.x_at(np.cumsum(steps)), runs.table["x"])
    small = True if max(values[:n]) <= 0.1 else None  # falling, they might be an RMSE: it is asked
    percent = Runs.from_frame(frame.assign(accuracy=frame["accuracy"] * 100), percent=small)
    np.testing.assert_allclose(percent.table["accuracy"], values[:n], rtol=1e-12)
    by_episode = Runs.from_frame(frame, x_mode="episodes")
    np.testing.assert_allclose(by_episode.x_at(by_episode.labels_at([1, 2, n])), [1, 2, n])
