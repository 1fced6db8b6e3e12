"""Learning: numbers that made the curves are found again, and judged on sources left out."""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from palm_bayes.errors import DataError, WorkerError
from palm_bayes.evaluation import learn as learning
from palm_bayes.evaluation import past_fits, search
from palm_bayes.evaluation.held_out import DRAWS
from palm_bayes.evaluation.runner import Runner
from palm_bayes.model.learned import Learned, LogNormal, shipped
from palm_bayes.model.misfit import steps_until
from palm_bayes.reading.read import read_runs


def test_the_misfit_is_found_again(past):
    true = replace(shipped(), misfit=past.true)
    start = replace(shipped(), misfit=replace(past.true, later_shared=0.05, scale=0.03))
    made = past.tasks(past.true, count=150)
    found = search.likeliest(made, start, start, tries=80)
    far, expected = (of.misfit.width(0.05, past.t[-1], 0.3) for of in (found, true))
    assert far == pytest.approx(expected, rel=0.3)
    scores = [search.score(made, learned, start) for learned in (start, true, found)]
    assert scores[2] > scores[1] - 0.05 > scores[0]


def test_a_search_past_a_limit_ends_at_the_limit():
    point = search.as_point(shipped())
    found = search.from_point(point + 10, shipped()).misfit
    assert (found.straight, found.later_shared, found.tail) == (1, 1, 0.99)
    assert found.scale == pytest.approx(shipped().misfit.scale * np.exp(10))


def test_a_search_without_a_source_starts_away_from_what_the_source_taught(past, monkeypatch):
    starts = []
    monkeypatch.setattr(search, "likeliest", lambda _, start, *__: starts.append(start) or start)
    made = [replace(task, source=f"{i % 3}") for i, task in enumerate(past.tasks(past.true, 6))]
    named = {f"{i}": task for i, task in enumerate(made)}
    here = Runner(None), lambda *_: None
    learned = learning._leave_one_out(named, shipped(), shipped(), *here)
    assert list(learned) == ["0", "1", "2"]
    for start in starts:
        away = search.as_point(start) - search.as_point(shipped())
        assert np.abs(away) == pytest.approx(0.4)


@pytest.mark.parametrize("common", [0, 0.6, 0.9])
def test_what_strategies_have_in_common_is_found_again(common, past):
    misfit = replace(past.true, common=common)
    learned = replace(shipped(), misfit=replace(past.true, common=0.3))
    made = past.tasks(misfit, count=60, strategies=3, apart=0.2)
    assert search.common_share(made, learned, learned) == pytest.approx(common, abs=0.21)


@pytest.mark.parametrize("name", ["alpha_start", "beta"])
def test_the_prior_is_found_again(name, past):
    """Gains of all curves follow from α or β, which data leave to the prior."""
    true, misfit = (
        LogNormal(0.45, 0.2),
        replace(past.true, later_shared=1e-9, scale=1e-9, by_gain=1e-9),
    )
    start = replace(shipped(), misfit=misfit, beta=LogNormal(0.3, 0.4))
    start = replace(start, alpha_start=start.beta)
    made = []
    for i, task in enumerate(past.tasks(misfit, count=80)):
        rng = np.random.default_rng(i)
        logs = np.log(0.3) + 0.4 * rng.standard_normal((2, DRAWS))
        own = dict(zip(("alpha_start", "beta"), logs, strict=True))[name]
        its = np.log(true.median) + true.width * rng.standard_normal()
        along = 1 + np.exp(own)[:, None] * steps_until(past.t)
        odds = 1 + np.exp(own)[:, None] * past.t
        observed = expit(1 + np.exp(its) * past.t) + 0.005 * rng.standard_normal((2, len(past.t)))
        of_one = task.laters[0]._replace(
            odds=odds, along=along, observed=observed, log_start=logs[0], log_beta=logs[1]
        )
        made.append(replace(task, laters=(of_one,)))
    found = search.likeliest(made, start, start, tries=150)
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
    assert len([*(tmp_path / "cells").glob("*.npz")]) == 4
    assert len([*(tmp_path / "cells").glob("search-*.json")]) == 3
    assert len([*(tmp_path / "cells").iterdir()]) == 7

    def fail(*_args, **_options):
        raise AssertionError("it must go on from what is kept")

    left = tmp_path / "cells" / ".palm_bayes-killed"  # by a process that was killed long ago
    left.mkdir()
    os.utime(left, (0, 0))
    monkeypatch.setattr(past_fits, "fit_validated", fail)
    monkeypatch.setattr(search, "likeliest", fail)
    again = learning.learn(curves_of(), keep=tmp_path / "cells")
    assert again.learned == lesson.learned
    assert not left.exists()


def test_workers_change_nothing(tmp_path, monkeypatch, dask_here):
    monkeypatch.setattr(learning, "_TRIES", 31)
    monkeypatch.setattr(learning, "_TRIES_WITHOUT", 31)
    here, read = learning.learn(curves_of()), []
    load = np.load
    monkeypatch.setattr(np, "load", lambda file: read.append(file) or load(file))
    there = learning.learn(curves_of(), keep=tmp_path / "cells", scheduler=dask_here)
    assert len(read) == 4  # by the workers, of the fits of one source for each search
    assert there.learned == here.learned
    assert there.without == here.without
    pd.testing.assert_frame_equal(there.table, here.table)


def test_one_source_leaves_none_to_hold_out(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "_TRIES", 31)
    lesson = learning.learn(curves_of(["one"]).drop(columns="source"), keep=tmp_path / "cells")
    assert lesson.learned.held == ()
    assert lesson.notes[-1].startswith("All curves are of one source: none was held out")
    assert str(lesson).startswith("Lesson: learned from 2 fits of tasks\n")


def fits_asked_of(data, monkeypatch, **options):
    """Learn with a stand-in for fits; return, for each fit, its group of jobs."""
    asked = []
    monkeypatch.setattr(learning.PastFits, "__call__", lambda _, group: asked.append(group))
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
    monkeypatch.setattr(past_fits, "fit_validated", lambda *_, **__: pytest.fail("it fits"))
    start = replace(shipped(), misfit=replace(shipped().misfit, tail=0.0))
    with pytest.raises(DataError, match="has tail of the misfit 0, but learning needs a finite"):
        learning.learn(curves_of(episodes=12), start=start)


def test_a_fit_whose_workers_died_ends_it(monkeypatch):
    def run(self, work, jobs):
        yield next(iter(jobs)), WorkerError("4 workers died while running it")

    monkeypatch.setattr("palm_bayes.evaluation.runner.Runner.run", run)
    with pytest.raises(WorkerError, match="episodes, 1 of 4: 4 workers died"):
        learning.learn(curves_of())
