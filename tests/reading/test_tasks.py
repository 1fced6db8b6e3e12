"""Tables of several tasks, and studies: which places are read, and what their tasks are called."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data import example_runs_path, write_example
from palm_bayes.errors import DataError
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import read_runs
from palm_bayes.reading.run_names import Y_FILE
from palm_bayes.reading.tasks import read_study, read_tasks


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


def test_each_task_keeps_how_it_was_read(table):
    columns = {"accuracy": "test_acc"}
    renamed = table.rename(columns={"accuracy": "test_acc"})
    for task in read_tasks(renamed, Reading(columns=columns)):
        assert task.runs.read_with == {"columns": columns}


TABLE = pd.DataFrame(
    {
        "strategy": np.repeat(["random", "margin"], 5),
        "repetition": "1",
        "labels": [*range(10, 60, 10)] * 2,
        "accuracy": np.linspace(0.5, 0.9, 10),
    }
)


def keys(study):
    return [" / ".join(draft.key) for draft in study.drafts]


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        TABLE.to_csv(path, index=False)


def test_a_table_of_several_tasks(tmp_path):
    path = tmp_path / "study.csv"
    named = [TABLE.assign(dataset=name, model="m") for name in ("a", "b")]
    pd.concat(named).to_csv(path, index=False)
    assert keys(read_study(path, Reading())) == [" / a / m", " / b / m"]
    assert keys(read_study(pd.concat(named), Reading())) == [" / a / m", " / b / m"]


def test_several_tables_are_named_by_what_differs(tmp_path):
    put(tmp_path, "one/runs.csv", "two/runs.csv")
    study = read_study(str(tmp_path / "*" / "runs.csv"), Reading())
    assert keys(study) == [" / one / ", " / two / "]
    put(tmp_path, "flat/cifar.csv", "flat/mnist.csv")
    study = read_study([tmp_path / "flat/cifar.csv", tmp_path / "flat/mnist.csv"], Reading())
    assert keys(study) == [" / cifar / ", " / mnist / "]
    assert read_study(tmp_path / "flat/cifar.csv", Reading()).drafts[0].dataset == "cifar"


def test_relative_and_absolute_paths_are_named_alike(tmp_path, monkeypatch):
    put(tmp_path, "cifar.csv", "lab/mnist.csv")
    monkeypatch.chdir(tmp_path / "lab")
    for one in ("../cifar.csv", str(tmp_path / "cifar.csv")):
        for two in ("mnist.csv", str(tmp_path / "lab" / "mnist.csv")):
            assert keys(read_study([one, two], Reading())) == [" / cifar / ", " / lab / mnist"]


def test_a_tree_of_tables(tmp_path):
    put(tmp_path, "cifar/resnet/runs.csv", "cifar/vit/runs.csv", "lab/mnist/vit/runs.csv")
    (tmp_path / ".hidden").mkdir()
    put(tmp_path, ".hidden/runs.csv")
    study = read_study(tmp_path, Reading())
    assert keys(study) == [" / cifar / resnet", " / cifar / vit", "lab / mnist / vit"]
    assert study.unread == {}


def test_a_tree_of_palm_folders(tmp_path):
    for task in ("CIFAR10/resnet18", "CIFAR100/resnet18"):
        for run in ("margin_1", "margin_2", "random_1"):
            (tmp_path / task / run).mkdir(parents=True)
            np.save(tmp_path / task / run / Y_FILE, np.linspace(50, 90, 6))
    study = read_study(tmp_path, Reading())
    assert keys(study) == [" / CIFAR10 / resnet18", " / CIFAR100 / resnet18"]
    task = study.drafts[0].task(Reading())
    assert task.runs.strategies == ("margin", "random")


def test_each_experiment_of_mlflow_is_a_place(tmp_path):
    for experiment in ("1", "2"):
        for seed in (1, 2):
            run = tmp_path / "mlruns" / experiment / f"a{seed}"
            for name, text in (
                ("meta.yaml", f"run_id: a{seed}"),
                ("params/strategy", "margin"),
                ("params/seed", str(seed)),
                ("metrics/acc", "".join(f"0 0.{i} {i}\n" for i in range(1, 7))),
                ("artifacts/results.csv", "accuracy"),
            ):
                (run / name).parent.mkdir(parents=True, exist_ok=True)
                (run / name).write_text(text, encoding="utf-8")
    study = read_study(tmp_path / "mlruns", Reading())
    assert keys(study) == [" / 1 / ", " / 2 / "]
    assert study.unread == {}
    assert study.drafts[0].task(Reading()).runs.table["repetition"].nunique() == 2


def test_rows_of_one_task_in_several_places_are_put_together(tmp_path):
    for i, part in enumerate((TABLE.iloc[:5], TABLE.iloc[5:])):
        part.assign(dataset="a").to_csv(tmp_path / f"{i}.csv", index=False)
    study = read_study([tmp_path / "0.csv", tmp_path / "1.csv"], Reading())
    (draft,) = study.drafts
    assert len(draft.rows) == 10
    assert draft.task(Reading()).runs.strategies == ("random", "margin")


def test_files_of_one_task_are_no_tasks(tmp_path):
    """By their names, as a shell gives them for a pattern; in their folder they are one task."""
    for strategy in ("margin", "random"):
        for seed in (1, 2):
            run = TABLE[TABLE["strategy"] == strategy][["labels", "accuracy"]]
            run.to_csv(tmp_path / f"{strategy}_{seed}.csv", index=False)
    with pytest.raises(DataError, match=r"margin_1.csv and 3 more hold one strategy each, and"):
        read_study(sorted(tmp_path.glob("*.csv")), Reading())
    with pytest.raises(DataError, match=f"name their folder, {tmp_path}$"):
        read_study(f"{tmp_path}/*.csv", Reading())
    (draft,) = read_study(tmp_path, Reading()).drafts
    assert set(draft.rows["strategy"]) == {"margin", "random"}


def test_a_place_that_cannot_be_read_is_noted(tmp_path):
    put(tmp_path, "good/runs.csv")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/runs.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    study = read_study(tmp_path, Reading())
    assert keys(study) == [" / good / "]
    assert list(study.unread) == [str(tmp_path / "bad")]


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no runs found"):
        read_study(tmp_path, Reading())
    with pytest.raises(DataError, match=r"missing\.csv does not exist"):
        read_study([tmp_path / "missing.csv"], Reading())
    with pytest.raises(DataError, match="no path is named"):
        read_study([], Reading())


def test_a_hash_is_of_the_numbers_not_of_their_file(tmp_path):
    put(tmp_path, "one.csv", "two.csv")
    one, two = (
        read_study(tmp_path / f"{name}.csv", Reading()).drafts[0] for name in ("one", "two")
    )
    assert one.sha256() == two.sha256()
    TABLE.assign(accuracy=TABLE["accuracy"] / 2).to_csv(tmp_path / "two.csv", index=False)
    assert read_study(tmp_path / "two.csv", Reading()).drafts[0].sha256() != one.sha256()
