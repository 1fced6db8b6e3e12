"""Cells of a backtest: what they are trained on, and which share a fit."""

import pickle

import numpy as np
import pandas as pd
import pytest

from palm_bayes.errors import DataError
from palm_bayes.evaluation.cells import (
    fits_of,
    jobs_of,
    later_rows,
    means_by_episode,
    read_cells,
    read_study_cells,
    too_short,
    train_size,
    training_sizes,
)
from palm_bayes.reading.options import Reading


def study(**lengths):
    """Give a table of two data sets, whose strategies have runs of these lengths."""
    parts = [
        pd.DataFrame(
            {"strategy": name, "repetition": r, "episode": np.arange(1, n + 1), "dataset": dataset}
        )
        for dataset in ("one", "two")
        for name, n in lengths.items()
        for r in (1, 2)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(labels=10 * table["episode"], accuracy=0.8 - 0.3 / table["episode"])


@pytest.mark.parametrize(
    ("fraction", "longest", "expected"),
    [(0.25, 30, 8), (0.25, 10, 5), (0.5, 10, 5), (0.5, 25, 13), (0.5, 11, 6), (0.9, 4, 5)],
)
def test_train_size(fraction, longest, expected):
    assert train_size(longest, fraction) == expected


def test_training_sizes_are_each_there_once():
    assert training_sizes(None, None)(30) == [8, 15]
    assert training_sizes(None, [15, 6])(30) == [6, 15]
    assert training_sizes([0.5], [15, 20])(30) == [15, 20]
    assert training_sizes(0.5, 20)(30) == [15, 20]
    assert training_sizes(None, np.array([6, 8]))(30) == [6, 8]
    for fractions, episodes, said in (
        ([1.5], None, "a training fraction is 1.5"),
        (None, [4], "train_episodes is 4, but must be at least 5"),
        (None, 4, "train_episodes is 4, but must be at least 5"),
        (None, "all", "train_episodes is 'all', but must be a whole number"),
        (None, [7.5], "train_episodes is 7.5, but must be a whole number"),
        ("half", None, "a training fraction is 'half', but must be a number"),
        ([], [], "neither a training fraction nor"),
    ):
        with pytest.raises(DataError, match=said):
            training_sizes(fractions, episodes)


def test_strategies_of_a_task_share_a_fit():
    cells = read_cells(study(margin=12, random=10, short=3), Reading())
    assert [cell.key[1:] for cell in cells[:3]] == [
        ("one", "", "margin"), ("one", "", "random"), ("one", "", "short"),
    ]  # fmt: skip
    assert cells[2].runs is None
    assert too_short(cells[2], 5) == "3 episodes, needed are 6: 5 to train, 1 to score"
    assert too_short(cells[1], 9) is None
    assert too_short(cells[1], 10) == "10 episodes, needed are 11: 10 to train, 1 to score"
    fits = fits_of(jobs_of(cells[:2] + cells[3:5], lambda longest: [5, longest // 2]))
    shared = {name: [cell.strategy for cell, _ in jobs] for name, jobs in fits.items()}
    assert shared == {
        "one from 5 episodes, 1 of 4": ["margin", "random", "random"],
        "one from 6 episodes, 2 of 4": ["margin"],
        "two from 5 episodes, 3 of 4": ["margin", "random", "random"],
        "two from 6 episodes, 4 of 4": ["margin"],
    }


def test_jobs_hold_the_runs_of_their_task_once():
    cells = read_cells(study(**dict.fromkeys("abcdef", 12)), Reading())[:6]
    task = len(pickle.dumps(cells[0].task))
    for jobs in fits_of(jobs_of(cells, lambda _: [6])).values():
        sent = pickle.dumps(jobs)
        assert len(sent) < 1.1 * task
        there = [cell.runs.sha256() for cell, _ in pickle.loads(sent)]
        assert there == [cell.runs.sha256() for cell in cells]


def test_numbers_of_episodes_are_those_of_the_data():
    table = study(margin=8)
    table = table[(table["dataset"] == "one") & ~table["episode"].isin([2, 3])]
    (cell,) = read_cells(table, Reading())
    assert cell.episodes == (1, 4, 5, 6, 7, 8)
    assert [cell.cut(size) for size in (1, 3, 6, 8)] == [1, 5, 8, 10]


def test_later_rows_are_of_repetitions_that_were_seen():
    table = study(margin=8).query("dataset == 'one'").drop(columns="dataset")
    late = table[(table["repetition"] == 1) | (table["episode"] > 6)]
    (cell,) = read_cells(late, Reading())
    rows = later_rows(cell.runs, cell.runs.first(5), 5)
    assert rows["repetition"].unique().tolist() == ["1"]
    assert rows["episode"].tolist() == [6, 7, 8]
    means = means_by_episode(later_rows(cell.runs, cell.runs, 6))
    assert means["labels"].tolist() == [70, 80]
    assert means["accuracy"].tolist() == pytest.approx([0.8 - 0.3 / 7, 0.8 - 0.3 / 8])


def test_means_teach_nothing():
    table = study(margin=8).drop(columns="repetition").drop_duplicates()
    with pytest.raises(DataError, match="one / margin has means of repetitions: learning"):
        read_study_cells(table.assign(std=0.01, n_runs=5), Reading())
