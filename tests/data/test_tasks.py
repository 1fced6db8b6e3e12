"""Tables of several tasks."""

import pandas as pd
import pytest

from palm_bayes.data import example_runs_path, write_example
from palm_bayes.data.readers import read_runs
from palm_bayes.data.reading import Reading
from palm_bayes.data.tasks import read_tasks
from palm_bayes.errors import DataError


@pytest.fixture(scope="module")
def table():
    """Two data sets, the second in percent and with a strategy that has three episodes."""
    frame = pd.read_csv(example_runs_path()).query("episode <= 6")
    other = frame.assign(dataset="other", accuracy=100 * frame["accuracy"])
    other = other[(other["strategy"] != "margin") | (other["episode"] <= 3)]
    return pd.concat([frame, other], ignore_index=True)


def test_each_task_is_read_by_itself(table):
    first, second = read_tasks(table, Reading())
    assert (first.source, first.dataset, first.model) == ("", "digits", "logistic")
    assert (second.dataset, second.runs.dataset) == ("other", "other")
    assert (first.runs.score.percent, second.runs.score.percent) == (False, True)
    pd.testing.assert_frame_equal(
        first.runs.table, read_runs(table, dataset="digits").table, check_exact=True
    )
    assert second.short == {"margin": 3}
    assert "margin" not in second.runs.strategies
    assert first.short == {}


def test_some_are_chosen(table):
    (task,) = read_tasks(table, Reading(dataset="other", strategies="margin"))
    assert task.runs is None
    assert task.short == {"margin": 3}
    tasks = read_tasks(table, Reading(strategies=["random"]))
    assert [task.runs.strategies for task in tasks] == [("random",)] * 2
    with pytest.raises(DataError, match="did you mean 'margin'"):
        read_tasks(table, Reading(strategies=["margn"]))
    with pytest.raises(DataError, match="no dataset 'mnist'"):
        read_tasks(table, Reading(dataset="mnist"))


def test_how_a_source_is_laid_out_is_kept(table):
    how = {"columns": {"accuracy": "score of the test"}, "layout": "long"}
    renamed = table.rename(columns={"accuracy": "score of the test"})
    assert [task.runs.read_with for task in read_tasks(renamed, Reading(**how))] == [how] * 2


def test_sources_tell_tasks_apart(table):
    both = pd.concat([table.assign(source="a"), table.assign(source="b")])
    assert [(task.source, task.dataset) for task in read_tasks(both, Reading())] == [
        *[("a", "digits"), ("a", "other"), ("b", "digits"), ("b", "other")]
    ]


def test_one_task_of_any_form(tmp_path, table):
    folder, file = write_example(tmp_path)
    bare = table.query("dataset == 'digits'").drop(columns=["dataset", "model"])
    for source in (folder, file, str(file), read_runs(file), bare):
        (task,) = read_tasks(source, Reading(dataset=None if source is not bare else "mine"))
        assert len(task.runs.strategies) == 6
    assert task.dataset == task.runs.dataset == "mine"
