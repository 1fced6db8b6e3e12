"""Learning: numbers that made the curves are found again, and judged on sources left out."""

import os
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from palm_bayes.data import example_runs_path
from palm_bayes.data.readers import read_runs
from palm_bayes.errors import DataError, WorkerError
from palm_bayes.evaluation import learn as learning
from palm_bayes.evaluation.cells import later_rows
from palm_bayes.evaluation.held_out import DRAWS, FittedTask, Later, _normals, later_of
from palm_bayes.inference.partial_pooling import shared_noise
from palm_bayes.model.learned import Learned, LogNormal, shipped
from palm_bayes.model.misfit import Misfit, steps_until

T = np.array([0.3, 0.7, 1.1])


def later(misfit, seed, common=(0.0, 0.0), higher=0.0):
    """Curves known but for their misfit, which is drawn; noise of 0.005."""
    rng = np.random.default_rng(seed)
    rise = np.log1p(2 * T)
    steps = np.log1p(2 * steps_until(T))
    along = np.tile(1 + higher + 0.3 * steps, (DRAWS, 1)) + 0.01 * rng.standard_normal((DRAWS, 1))
    noise = np.full((DRAWS, 1), 0.05)
    own = np.sqrt(1 - misfit.common) * rng.standard_normal(2) + np.sqrt(misfit.common) * common
    odds = along[:, :1] + 0.3 * rise
    truth = misfit.expected(odds[:1], along[:1], noise[:1], T, own[:1, None], own[1:, None])[0]
    observed = truth + 0.005 * rng.standard_normal((2, len(T)))
    shape = (2, DRAWS, len(T))
    gain = 0.3 * np.log1p(2 * np.log(2)) * np.exp(0.2 * rng.standard_normal(DRAWS))
    return Later(
        odds=odds, along=along, noise=noise, gain=gain,
        log_start=0.3 * rng.standard_normal(DRAWS),
        log_beta=-1.5 + 0.3 * rng.standard_normal(DRAWS),
        shift=np.zeros(shape), variance=np.full(shape, 0.005**2), observed=observed, t=T,
    )  # fmt: skip


def tasks(misfit, count=150, strategies=1, apart=0.0):
    rng = np.random.default_rng(5)
    return [
        FittedTask(
            "ab"[i % 2],
            tuple(later(misfit, 100 * i + j, z, apart * j) for j in range(strategies)),
            0.0,
        )
        for i, z in enumerate(rng.standard_normal((count, 2)))
    ]


TRUE = Misfit(
    level=0.5,
    scale=0.15,
    by_noise=0.3,
    power=1.5,
    by_gain=0.05,
    tail=0.1,
    common=0.6,
    between_gains=1,
    between_gains_width=1,
    between_levels=1,
    between_levels_width=1,
)


def test_the_misfit_is_found_again():
    true = replace(shipped(), misfit=TRUE)
    start = replace(shipped(), misfit=replace(TRUE, level=0.1, scale=0.03))
    made = tasks(TRUE, count=60)
    found = learning.likeliest(made, start, start, tries=80)
    far, expected = (of.misfit.width(0.05, T[-1], 0.3) for of in (found, true))
    assert far == pytest.approx(expected, rel=0.3)
    scores = [learning._score(made, learned, start) for learned in (start, true, found)]
    assert scores[2] > scores[1] - 0.05 > scores[0]


@pytest.mark.parametrize("common", [0, 0.6, 0.9])
def test_what_strategies_have_in_common_is_found_again(common):
    misfit = replace(TRUE, common=common)
    learned = replace(shipped(), misfit=replace(TRUE, common=0.3))
    made = tasks(misfit, count=60, strategies=3, apart=0.2)
    assert learning._common_share(made, learned, learned) == pytest.approx(common, abs=0.21)


def test_orders_of_equal_means_do_not_count():
    (task,) = tasks(TRUE, count=1, strategies=2)
    one, other = task.laters
    alike = replace(task, laters=(one, other._replace(observed=one.observed)))
    assert np.isfinite(task.orders(shipped(), shipped(), [0.5])).all()
    assert np.isnan(alike.orders(shipped(), shipped(), [0.5])).all()


def test_the_true_numbers_are_calibrated():
    learned = replace(shipped(), misfit=replace(TRUE, between_gains=np.inf, between_levels=np.inf))
    below = pd.concat([task.pit_values(learned, learned) for task in tasks(TRUE, count=300)])
    inside = ((below["p"] - 0.5).abs() <= 0.4).mean()
    assert inside == pytest.approx(0.8, abs=0.06)
    assert list(below["third"].unique()) == [0, 1, 2]
    assert below["times"].max() == pytest.approx(np.exp(T[-1]))


def test_the_same_priors_weigh_draws_alike():
    (weights,) = tasks(TRUE, count=1)[0].weights(shipped(), shipped())
    np.testing.assert_allclose(weights, 1 / DRAWS)


def test_what_is_scored_is_the_forecast(fit):
    """Later accuracies have the same probability to lie below in learning and in a forecast."""
    full, sampled = read_runs(example_runs_path()), fit.trace["sampled"].to_dataset()
    laters = []
    for name in fit.runs.strategies:
        seen = fit.runs.strategy(name)
        rows = later_rows(full.strategy(name), seen, train=12)
        laters.append(later_of(sampled.sel(strategy=name), seen, rows))
    task = FittedTask("digits", tuple(laters), shared_noise(fit.runs))
    learned = task.pit_values(shipped(), shipped())["p"].to_numpy().reshape(len(laters), 4, -1)

    labels = np.round(240 * np.exp(laters[0].t))
    draws = fit.forecast(labels=labels, scope="continuing").draws
    for of_learning, name in zip(learned, fit.runs.strategies, strict=True):
        drawn = draws.sel(strategy=name).stack(sample=("chain", "draw"))
        table = full.strategy(name).table
        seen = table.pivot(index="repetition", columns="labels", values="accuracy")[labels]
        seen = xr.DataArray(seen, {"repetition": seen.index, "x": drawn["x"]})
        of_runs = (drawn < seen).mean("sample").sortby("repetition").isel(repetition=[0, 2, 4])
        of_mean = (drawn.mean("repetition") < seen.mean("repetition")).mean("sample")
        forecast = np.vstack([of_mean, of_runs.transpose("repetition", "x")])
        np.testing.assert_allclose(of_learning, forecast, atol=0.04)
        assert np.abs(of_learning - forecast).mean() < 0.015


def test_weighted_draws_are_those_of_the_other_prior():
    """Draws of the prior itself, as of curves that tell nothing."""
    old, new = LogNormal(0.3, 0.5), LogNormal(0.4, 0.4)
    sampled, learned = (replace(shipped(), beta=of, alpha_start=of) for of in (old, new))
    (task,) = tasks(TRUE, count=1)
    one, other = np.log(old.median) + old.width * np.array(_normals())
    unseen = task.laters[0]._replace(log_start=one, log_beta=other)
    (weights,) = replace(task, laters=(unseen,)).weights(learned, sampled)
    for draws in (one, other):
        center = weights @ draws
        assert center == pytest.approx(np.log(new.median), abs=0.03)
        assert np.sqrt(weights @ (draws - center) ** 2) == pytest.approx(new.width, abs=0.03)


@pytest.mark.parametrize("name", ["alpha_start", "beta"])
def test_the_prior_is_found_again(name):
    """Gains of all curves follow from α or β, which data leave to the prior."""
    true, misfit = LogNormal(0.45, 0.2), replace(TRUE, level=1e-9, scale=1e-9, by_gain=1e-9)
    start = replace(shipped(), misfit=misfit, beta=LogNormal(0.3, 0.4))
    start = replace(start, alpha_start=start.beta)
    made = []
    for i, task in enumerate(tasks(misfit, count=80)):
        rng = np.random.default_rng(i)
        logs = np.log(0.3) + 0.4 * rng.standard_normal((2, DRAWS))
        own = dict(zip(("alpha_start", "beta"), logs, strict=True))[name]
        its = np.log(true.median) + true.width * rng.standard_normal()
        along = 1 + np.exp(own)[:, None] * steps_until(T)
        odds = 1 + np.exp(own)[:, None] * T
        observed = expit(1 + np.exp(its) * T) + 0.005 * rng.standard_normal((2, len(T)))
        of_one = task.laters[0]._replace(
            odds=odds, along=along, observed=observed, log_start=logs[0], log_beta=logs[1]
        )
        made.append(replace(task, laters=(of_one,)))
    found = learning.likeliest(made, start, start, tries=150)
    assert getattr(found, name).median == pytest.approx(true.median, rel=0.1)
    assert getattr(found, name).width == pytest.approx(true.width, rel=0.35)


def curves_of(sources=("one", "two"), episodes=12):
    rng = np.random.default_rng(0)
    rows = [
        (source, "d", "m", name, str(r), e, 10 * e, expit(0.5 + k * np.log(e)) + step)
        for source in sources
        for k, name in ((0.5, "random"), (0.6, "margin"))
        for r in range(3)
        for e in range(1, episodes + 1)
        for step in [0.004 * rng.standard_normal()]
    ]
    names = [
        "source",
        "dataset",
        "model",
        "strategy",
        "repetition",
        "episode",
        "labels",
        "accuracy",
    ]
    return pd.DataFrame(rows, columns=names)


def test_from_curves_to_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "_TRIES", 31)
    monkeypatch.setattr(learning, "_TRIES_WITHOUT", 31)
    told = []
    lesson = learning.learn(
        curves_of(), keep=tmp_path / "cells", progress=lambda what, _, done: told.append(done)
    )
    assert told == sorted(told)
    assert lesson.learned.about["corpus"] == {"one": 2, "two": 2}
    assert lesson.learned.about["fits"] == 8
    assert set(lesson.table.index) == set(lesson.without) == {"one", "two"}
    assert sum(row.forecasts for row in lesson.learned.held) > 0
    assert Learned.read(lesson.learned.write(tmp_path / "prior.json")) == lesson.learned
    kept = sorted((tmp_path / "cells").iterdir())
    assert len(kept) == 4

    def fail(*_args, **_options):
        raise AssertionError("it must go on from what is kept")

    left = tmp_path / "cells" / ".palm_bayes-killed"  # by a process that was killed long ago
    left.mkdir()
    os.utime(left, (0, 0))
    monkeypatch.setattr(learning, "fit_validated", fail)
    again = learning.learn(curves_of(), keep=tmp_path / "cells")
    assert again.learned == lesson.learned
    assert not left.exists()


def test_one_source_leaves_none_to_hold_out(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "_TRIES", 31)
    lesson = learning.learn(curves_of(["one"]).drop(columns="source"), keep=tmp_path / "cells")
    assert lesson.learned.held == ()
    assert lesson.notes[-1].startswith("All curves are of one source: none was held out")
    assert str(lesson).startswith("Lesson: learned from 2 fits of tasks\n")


def fits_asked_of(data, monkeypatch, **options):
    """Learn with a stand-in for fits; return, for each fit, its group of jobs."""
    asked = []
    monkeypatch.setattr(learning._Fits, "__call__", lambda _, group: asked.append(group))
    with pytest.raises(DataError, match="no curve is long enough"):
        learning.learn(data, **options)
    return asked


@pytest.mark.parametrize("left_out", [["source", "dataset", "model"], ["source"], []])
def test_a_fit_is_of_one_task_also_where_tables_do_not_name_it(tmp_path, monkeypatch, left_out):
    """Two tables of the same strategies: equal tasks would have rows twice."""
    curves = curves_of().drop(columns=left_out)
    one = curves_of()["source"] == "one"
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    if "dataset" not in left_out:
        curves.loc[~one, "model"] = "n"
    curves[one].to_csv(paths[0], index=False)
    curves[~one].to_csv(paths[1], index=False)
    asked = fits_asked_of(paths, monkeypatch)
    assert len(asked) == 4  # two tasks, from 5 and from 6 episodes
    for group in asked:
        assert len({id(cell.task) for cell, _ in group}) == 1
        assert sorted(cell.strategy for cell, _ in group) == ["margin", "random"]
    shas = {group[0][0].task.sha256() for group in asked}
    assert shas == {read_runs(path).sha256() for path in paths}
    if len(left_out) == 3:
        assert {cell.key[1] for group in asked for cell, _ in group} == {"a", "b"}


def test_equal_tasks_of_several_tables_are_put_together(tmp_path, monkeypatch):
    curves, paths = curves_of(sources=["one"]), [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, strategy in zip(paths, ("random", "margin"), strict=True):
        curves[curves["strategy"] == strategy].to_csv(path, index=False)
    asked = fits_asked_of(paths, monkeypatch)
    assert len(asked) == 2  # one task, from 5 and from 6 episodes
    for group in asked:
        assert [cell.strategy for cell, _ in group] == ["random", "margin"]
        assert group[0][0].task.strategies == ("random", "margin")
    with pytest.raises(DataError, match="a second row for this episode"):
        learning.learn([paths[0], paths[0]])


def test_a_table_that_cannot_be_read_is_an_error(tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    curves_of().to_csv(good, index=False)
    bad.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="bad"):
        learning.learn([good, bad])


def test_means_are_not_learned_from():
    means = curves_of().assign(repetition="mean", sem=0.01)
    means = means.drop_duplicates(["strategy", "labels"])
    with pytest.raises(DataError, match="has means of repetitions: learning needs single rep"):
        learning.learn(means)


def test_too_short_curves_teach_nothing():
    with pytest.raises(DataError, match="no curve is long enough"):
        learning.learn(curves_of(episodes=5))


def test_what_learning_cannot_start_from_is_refused_before_the_fits(monkeypatch):
    monkeypatch.setattr(learning, "fit_validated", lambda *_, **__: pytest.fail("it fits"))
    start = replace(shipped(), misfit=replace(shipped().misfit, tail=0.0))
    with pytest.raises(DataError, match="has tail of the misfit 0, but learning needs a finite"):
        learning.learn(curves_of(episodes=12), start=start)


def test_a_lesson_fits_one_screen():
    lesson = learning.Lesson(shipped(), (), {}, pd.DataFrame(), ())
    words, *lines = repr(lesson).splitlines()
    assert words.startswith("Lesson: learned from 0 fits of tasks from ariapoy, cleanlab")
    assert [line.split()[0] for line in lines[-8:]] == [
        "number", "alpha_start", "beta", *asdict(shipped().misfit)
    ][-8:]  # fmt: skip


def test_a_fit_whose_workers_died_ends_it(monkeypatch):
    def run(self, work, jobs):
        yield next(iter(jobs)), WorkerError("4 workers died while running it")

    monkeypatch.setattr("palm_bayes.evaluation.runner.Runner.run", run)
    with pytest.raises(WorkerError, match="episodes, 1 of 4: 4 workers died"):
        learning.learn(curves_of())
