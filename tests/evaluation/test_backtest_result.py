"""What the tables of a backtest say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from palm_bayes.data.quantiles import QUANTILE_NAMES
from palm_bayes.evaluation import scores as scoring
from palm_bayes.evaluation.backtest_result import COLUMNS, KEY, Backtest
from palm_bayes.files import Look
from palm_bayes.forecast.baselines import NAMES
from palm_bayes.reading.read import read_runs

TRAIN = 5


def part(inside, strategy="margin", dataset="digits"):
    """Tables of a cell, whose 80 % bands hold as `inside` (scope, ahead) says."""
    far = len(inside["mean"])
    episode = np.arange(TRAIN + 1, TRAIN + far + 1)
    frames = []
    for scope, held in inside.items():
        frame = pd.DataFrame({"scope": scope, "repetition": "1" * (scope != "mean")}, episode)
        frame = frame.assign(episode=episode, labels=20.0 * episode, mean=0.5)
        frame = frame.assign(observed=np.where(held, 0.52, 0.9))
        bands = {name: 0.5 + 0.05 * z for z, name in enumerate(QUANTILE_NAMES, start=-3)}
        frames.append(frame.assign(**bands).reset_index(drop=True))
    rows = pd.concat(frames, ignore_index=True).assign(crps=0.01, log_score=1.0)
    rows["third"] = scoring.third(rows["episode"], TRAIN, TRAIN + far)
    points = pd.DataFrame({"episode": episode, "labels": 20.0 * episode, "observed": 0.6})
    points = points.assign(**{name: 0.6 + 0.01 * i for i, name in enumerate(NAMES)})
    head = {"passed": True, "described": True, "forecaster": "palm_bayes"}
    scores = [
        {"scope": scope, "third": third, **head, **scoring.score(some)}
        for scope, of_scope in rows.groupby("scope")
        for third, some in scoring.by_third(of_scope)
    ]
    scores += [
        {"scope": "mean", "third": "all", "forecaster": name}
        | scoring.score_points(points["observed"], points[name])
        for name in NAMES
    ]
    tables = {
        "forecasts": rows.drop(columns=["third", "crps", "log_score"]),
        "baselines": points,
        "scores": pd.DataFrame(scores),
    }
    key = dict(zip(KEY, ("", dataset, "", strategy, TRAIN), strict=True))
    return {name: frame.assign(**key) for name, frame in tables.items()}


def runs(strategy, far, batch):
    episode = np.arange(1, TRAIN + far + 1)
    frame = pd.DataFrame({"strategy": strategy, "episode": episode, "accuracy": 0.6})
    return read_runs(frame.assign(labels=batch * episode) if batch else frame)


def found(*cells, batch=20.0):
    """Join cells that are given as (mean holds, single repetitions hold) by episodes ahead."""
    parts, curves = [], []
    for i, (mean, repetition) in enumerate(cells):
        name = f"margin{i}"
        parts.append(part({"mean": mean, "repetition": repetition}, name))
        curves.append((("", "digits", "", name), runs(name, len(mean), batch)))
    return Backtest.joined(parts, curves)


def few(curves, points):
    return (
        f" This is measured on {curves} only: by chance alone, such a share varies by about "
        f"{points} points."
    )


def test_few_curves_are_said_to_be_few():
    held = ([1], [1])
    assert found(*[held] * 6).sentence.endswith(few("6 curves", 16))
    assert found(*[held] * 24).sentence.endswith(few("24 curves", 8))
    assert found(*[held] * 25).sentence.endswith("100 % of single repetitions.")


def test_bands_that_always_hold():
    one = found(([1] * 6, [1] * 6), ([1] * 6, [1] * 6))
    assert one.reach == 6
    assert one.sentence == (
        "To the end of these curves, 6 episodes ahead (120 labels), the 80 % bands held 100 % of "
        "the means over repetitions and 100 % of single repetitions." + few("2 curves", 28)
    )


def test_it_is_shown_as_its_sentence_above_the_scores():
    one = found(([1] * 6, [1] * 6))
    text = repr(one)
    assert " ".join(text.split()).startswith(f"Backtest: {one.sentence}")
    rows = {line.split()[0] for line in text.splitlines()}
    assert rows >= {"forecaster", *one.overview.index}


def test_bands_that_hold_at_first():
    one = found(([1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0]), batch=None)
    assert one.reach == 3
    assert one.sentence == (
        "Up to 3 episodes ahead the 80 % bands held 100 % of the means over repetitions and 100 % "
        "of single repetitions; further ahead, up to 6 episodes, at some distances only 0 % and "
        "33 %: do not rely on them there." + few("1 curve", 40)
    )
    assert found(([1, 1, 1, 0], [1] * 4), ([1, 1, 1, 0], [1] * 4)).sentence.startswith(
        "Up to 3 episodes ahead (60 labels) the 80 % bands held 100 % of the means"
    )


def test_bands_that_never_hold():
    one = found(([0, 1, 1], [0, 1, 1]))
    assert one.reach == 0
    assert one.sentence == (
        "One episode ahead the 80 % bands held 0 % of the means over repetitions and 0 % of single "
        "repetitions, overall 67 % and 67 %: do not rely on them for these curves."
        + few("1 curve", 40)
    )


def test_both_scopes_must_hold():
    assert found(([1] * 4, [1, 0, 0, 0])).reach == 1
    assert found(([1, 0, 0, 0], [1] * 4)).reach == 1


def test_labels_are_told_where_one_number_says_them():
    parts = [part({"mean": [1], "repetition": [1]}, name) for name in ("a", "b")]
    for second, said in ((21.0, "1 episode ahead (20 labels)"), (200.0, "1 episode ahead, the")):
        cells = [(("", "digits", "", n), runs(n, 1, b)) for n, b in (("a", 20.0), ("b", second))]
        assert said in Backtest.joined(parts, cells).sentence


def test_by_distance():
    table = found(([1, 0, 1, 1], [1] * 4), ([1, 1], [1, 0])).by_distance
    assert table.index.tolist() == [1, 2, 3, 4]
    assert table["n", "mean"].tolist() == [2, 2, 1, 1]
    assert table["held", "mean"].tolist() == [1, 0.5, 1, 1]
    # Distances (0, 1], (1, 2], (1, 3], (2, 4].
    np.testing.assert_allclose(table["held_near", "mean"], [1, 0.5, 2 / 3, 1])
    assert table["held", "repetition"].tolist() == [1, 0.5, 1, 1]


def every_second(mean, repetition):
    """Results of one cell with observations 2, 4, 6 ... episodes ahead only."""
    whole = part({"mean": mean, "repetition": repetition}, "margin")
    odd = {
        name: (table["episode"] - TRAIN) % 2 == 1
        for name, table in whole.items()
        if "episode" in table
    }
    seen = {name: table[~odd[name]] if name in odd else table for name, table in whole.items()}
    curve = runs("margin", len(mean), 20.0)
    kept = curve.table[~curve.table["episode"].isin(range(TRAIN + 1, TRAIN + len(mean) + 1, 2))]
    return Backtest.joined([seen], [(("", "digits", "", "margin"), replace(curve, table=kept))])


def test_distances_without_an_observation_are_passed_over(tmp_path):
    one = every_second([1] * 6, [1] * 6)
    assert one.by_distance["n", "mean"].tolist() == [0, 1, 0, 1, 0, 1]
    assert one.reach == 6
    assert one.sentence.startswith("To the end of these curves, 6 episodes ahead (120 labels), the")
    assert len(one.write(tmp_path)) == 4
    one = every_second([1, 1, 1, 0, 1, 0], [1] * 6)
    assert one.reach == 2
    assert one.sentence.startswith("Up to 2 episodes ahead (40 labels) the 80 % bands held 100 %")
    one = every_second([0] * 6, [1] * 6)
    assert one.reach == 0
    assert one.sentence.startswith("2 episodes ahead the 80 % bands held 0 % of the means over")


def test_without_forecasts_there_is_no_distance():
    bad = pd.DataFrame([{"n": 0, "reason": "too short"}])
    bad = bad.assign(**dict(zip(KEY, ("", "", "", "other", 5), strict=True)))
    one = Backtest.joined([{"scores": bad}], [(("", "", "", "other"), runs("other", 1, 20.0))])
    assert one.by_distance.empty
    assert one.by_distance["n", "mean"].tolist() == []
    assert one.reach == 0
    assert one.sentence == "No cell could be scored."


@settings(max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_what_is_trusted_held(held):
    one = found(tuple(list(scope) for scope in zip(*held, strict=True)))
    assert 0 <= one.reach <= len(held)
    for scope in (0, 1):
        within = [pair[scope] for pair in held[: one.reach]]
        assert not within or np.mean(within) >= 0.72


def test_overview_gives_every_forecast_the_same_weight():
    one = found(([1] * 3, [1] * 3), ([0], [0]))
    row = one.overview.loc["palm_bayes"]
    assert row["coverage_80"] == pytest.approx(0.75)
    assert row["mae"] == pytest.approx((3 * 0.02 + 0.4) / 4)
    assert list(one.overview.index) == ["palm_bayes", *NAMES]
    assert one.overview.loc["pow4", "mae"] == pytest.approx(0.01 * NAMES.index("pow4"))
    assert np.isnan(one.overview.loc["pow4", "coverage_80"])


def test_failures_are_listed():
    bad = pd.DataFrame([{"n": 0, "reason": "too short"}])
    bad = bad.assign(**dict(zip(KEY, ("", "", "", "other", 5), strict=True)))
    good = part({"mean": [1], "repetition": [1]})
    curve = (("", "digits", "", "margin"), runs("margin", 1, 20.0))
    one = Backtest.joined([{"scores": bad}, good], [curve])
    assert one.failed[["strategy", "reason"]].to_numpy().tolist() == [["other", "too short"]]
    assert one.fits["strategy"].tolist() == ["margin"]
    assert one.fits["passed"].tolist() == [True]
    assert list(one.scores) == COLUMNS["scores"]


def test_files(tmp_path):
    one = found(([1, 0, 1], [1, 1, 1]))
    files = one.write(tmp_path / "new" / "out")
    assert [file.name for file in files] == [
        *["forecasts.csv", "scores.csv", "baselines.csv", "backtest.png"]
    ]
    assert sorted(files) == sorted((tmp_path / "new" / "out").iterdir())
    for name in ("forecasts", "scores", "baselines"):
        read = pd.read_csv(tmp_path / "new" / "out" / f"{name}.csv", keep_default_na=True)
        assert list(read) == COLUMNS[name]
        assert len(read) == len(getattr(one, name))
    assert isinstance(one.plot(), Figure)


def test_its_figure_has_the_look_asked(tmp_path):
    one = found(([1] * 6, [1] * 6))
    one.write(tmp_path)
    assert (tmp_path / "backtest.png").exists()
    (tmp_path / "backtest.pdf").write_bytes(b"mine")
    one.write(tmp_path, Look(size=(6, 4), kind="svg"))
    assert not (tmp_path / "backtest.png").exists()
    assert (tmp_path / "backtest.pdf").read_bytes() == b"mine"
    assert 'width="432pt" height="288pt"' in (tmp_path / "backtest.svg").read_text("utf-8")
