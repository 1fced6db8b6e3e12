"""Readers: PALM folders, CSV files and frames, their errors and their notes."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm_bayes.data.checks import oddities
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError
from palm_bayes.files import csv_text
from palm_bayes.reading.read import read, read_runs, reading_of
from palm_bayes.reading.run_names import X_FILE, Y_FILE

RISING = np.array([30.0, 45, 55, 60, 63, 65])


def save(folder, y=RISING, x=None):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / Y_FILE, y)
    if x is not None:
        np.save(folder / X_FILE, x)


def csv(path, text):
    path.write_text(text)
    return path


def rows(strategy="margin", repetition="1", n=5, **more):
    """Give a tidy frame of one run."""
    episode = np.arange(1, n + 1)
    columns = {"strategy": strategy, "repetition": repetition, **more}
    curve = {"episode": episode, "labels": 10 * episode, "accuracy": 0.9 - 0.5 / episode}
    return pd.DataFrame({**curve, **columns})


def message(source, **options):
    with pytest.raises(DataError) as caught:
        read_runs(source, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said


def found(runs):
    return {s: list(runs.strategy(s).table["repetition"].unique()) for s in runs.strategies}


# --- tables


def test_alda_file_works_as_it_is(tmp_path):
    lines = [
        f"digits,{m},{20 * i},{0.5 + i / 50}" for m in ("badge", "random") for i in range(1, 7)
    ]
    text = "dataset,method,cumulative_budget,score\n" + "\n".join(lines)
    runs = read_runs(csv(tmp_path / "alda.csv", text))
    assert found(runs) == {"badge": ["1"], "random": ["1"]}
    assert (runs.dataset, runs.batch) == ("digits", 20)
    assert list(runs.table["episode"][:3]) == [1, 2, 3]
    assert any(line.startswith("One repetition (badge, random)") for line in oddities(runs))


def test_names_are_text_as_written(tmp_path):
    """`None`, `nan` and 007 are names, not gaps or numbers."""
    frame = pd.concat([rows(s, r) for s in ("None", "nan", "1") for r in ("007", "7")])
    frame.columns = [str(c).upper() for c in frame.columns]
    path = tmp_path / "runs.csv.gz"
    frame.to_csv(path, index=False)
    runs = read_runs(path, strategies=["nan", "None"])
    assert found(runs) == {"nan": ["007", "7"], "None": ["007", "7"]}
    assert runs.origins["nan", "7"] == str(path)


def test_byte_order_mark_blank_lines_and_spaces(tmp_path):
    text = rows().rename(columns={"accuracy": "Test Accuracy"}).to_csv(index=False)
    path = tmp_path / "runs.csv"
    path.write_text("\ufeff" + text.replace("\n", "\n\n", 2), encoding="utf-8")
    assert len(read_runs(path).table) == 5


def test_csv_errors_give_the_line(tmp_path):
    text = "strategy,labels,accuracy\n" + "".join(f"m,{10 * i},0.{i}\n" for i in range(1, 7))
    path = csv(tmp_path / "a.csv", text.replace("0.3", "\nabc").replace("m,30,\n", "m,30,"))
    said = message(path)
    assert said.startswith(
        f"{path}, line 4, strategy m, repetition 1, episode 3: accuracy is 'abc'"
    )
    path = csv(tmp_path / "b.csv", text.replace("m,40,0.4", "\nm,40"))
    runs = read_runs(path)
    assert "Read: 1 row without accuracy left out, runs that have gaps: m 1." in runs.notes
    assert list(runs.table["episode"]) == [1, 2, 3, 5, 6]
    path = csv(tmp_path / "c.csv", text.replace("m,40,0.4", "m,40,0.4,9"))
    assert f"{path} cannot be read as CSV" in message(path)
    assert "line 5" in message(path)


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        (
            "strategy,labels,value",
            ["no column for accuracy: found strategy, labels, value", "accuracy=value"],
        ),
        (
            "name,labels,accuracy",
            ["accepted are strategy, method, query strategy", "--column strategy=name"],
        ),
        (
            "strategy,step,accuracy",
            ["no column for episode or labels", "labels, cumulative budget"],
        ),
        ("strategy,labels,accuracy,Budget", ["columns labels, Budget all stand for labels"]),
        ("strategy,labels,accuracy,accuracy", ["accuracy, accuracy all stand for accuracy"]),
    ],
)
def test_columns_must_be_clear(tmp_path, header, parts):
    path = csv(tmp_path / "a.csv", f"{header}\nm,1,2,3\n"[: len(header) + 1] + "m,1,2\n")
    said = message(path)
    assert said.startswith(str(path))
    assert all(part in said for part in parts), said


def test_a_folder_whose_name_has_brackets_is_no_pattern(tmp_path):
    folder = tmp_path / "[pilot]"
    folder.mkdir()
    rows = "".join(f"m,{20 * i},0.{i}\n" for i in range(1, 6))
    csv(folder / "a_1.csv", f"strategy,labels,accuracy\n{rows}")
    assert read_runs(folder / "*.csv").strategies == ("m",)


def test_files_that_cannot_be_read(tmp_path):
    assert message(tmp_path / "no.csv") == f"{tmp_path / 'no.csv'} does not exist"
    said = "is neither a folder nor a file of .csv, .csv.gz, .tsv"
    assert said in message(csv(tmp_path / "a.pdf", "x"))
    assert message(tmp_path / "*.csv") == f"{tmp_path / '*.csv'} matches no file"
    assert message(csv(tmp_path / "a.csv", "")) == f"{tmp_path / 'a.csv'} is empty"
    path = csv(tmp_path / "b.csv", "strategy,labels,accuracy\n\n")
    assert message(path) == f"{path} has no rows below its header"
    assert message(rows().iloc[:0]) == "the table has no rows"
    cut = gzip.compress(b"strategy,accuracy\n" * 99)[:-12]
    for name, content in {"c.csv.gz": b"no gzip", "e.csv.gz": cut}.items():
        (tmp_path / name).write_bytes(content)
        assert f"{name} cannot be read as CSV" in message(tmp_path / name)
    (tmp_path / "d.csv").write_bytes(b"strategy\nentropi\xe9")
    assert "d.csv cannot be read: line 2 is not in UTF-8" in message(tmp_path / "d.csv")


def test_tables_of_arrow_are_frames():
    frame = pd.DataFrame(
        {"strategy": "a", "labels": [20, 40, 60, 80], "accuracy": [0.5, 0.6, 0.7, 0.8]}
    )
    read_from = read_runs(pa.Table.from_pandas(frame))
    pd.testing.assert_frame_equal(read_from.table, read_runs(frame).table)


def test_frames_give_the_row():
    frame = rows().set_axis(list("abcde")).astype({"accuracy": object})
    frame.loc["c", "accuracy"] = "high"
    assert message(frame).startswith("row c, strategy margin, repetition 1, episode 3: accuracy")


def test_float_and_missing_repetitions():
    runs = read_runs(pd.concat([rows(repetition=1.0), rows(repetition=2.0)]))
    assert found(runs) == {"margin": ["1", "2"]}
    assert "the repetition is empty" in message(pd.concat([rows(), rows(repetition=np.nan)]))


def test_one_task_must_be_chosen():
    tasks = [("cifar10", "vit"), ("cifar10", "cnn"), ("mnist", "cnn")]
    frame = pd.concat([rows(dataset=d, model=m) for d, m in tasks])
    said = message(frame)
    assert (
        "the table holds 3 tasks, choose one by dataset= (--dataset) and model= (--model)" in said
    )
    assert "cifar10 / vit, cifar10 / cnn, mnist / cnn" in said
    assert "holds 2 tasks, choose one by model= (--model)" in message(frame, dataset="cifar10")
    runs = read_runs(frame, dataset="cifar10", model="cnn")
    assert (runs.dataset, runs.model) == ("cifar10", "cnn")
    assert read_runs(frame, dataset="mnist").model == "cnn"
    assert "no dataset 'cifar': there are cifar10, mnist" in message(frame, dataset="cifar")
    sources = pd.concat([rows(source="a"), rows(source="b")])
    assert "choose one by keeping the rows of one source: a, b" in message(sources)


def test_unknown_strategy_offers_near_names():
    frame = pd.concat([rows("margin"), rows("random")])
    said = message(frame, strategies=["margn"])
    assert said == "no strategy 'margn': there are margin, random; did you mean 'margin'?"


def test_other_strategies_do_not_matter():
    bad = rows("broken")
    bad["accuracy"] = 7e9
    assert read_runs(pd.concat([bad, rows()]), strategies=["margin"]).strategies == ("margin",)


def test_runs_pass_through_and_can_be_cut():
    runs = read_runs(pd.concat([rows(s, r) for s in "ab" for r in ("1", "2")]))
    cut = read_runs(runs, strategies=["b"], max_repetitions=1, max_episodes=4, dataset="d")
    assert found(cut) == {"b": ["1"]}
    assert (cut.table["episode"].max(), cut.dataset) == (4, "d")
    assert read_runs(runs).table.equals(runs.table)
    assert "read the data again" in message(runs, batch=3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch": 5, "x_mode": "episodes", "metric": "F1", "dataset": "d", "model": "m"},
        {"percent": True, "columns": {"accuracy": "accuracy"}},
        {"lower_is_better": True, "layout": "long"},
    ],
)
@pytest.mark.parametrize("left_out", [[], ["labels"]])
def test_more_data_are_read_as_the_first_were(options, left_out):
    frame = rows(n=9)
    frame.loc[5:, "labels"] += 10
    frame = frame.drop(columns=left_out)
    if options.get("lower_is_better"):
        frame["accuracy"] = 1 - frame["accuracy"]
    runs = read_runs(frame, **options)
    again = read(frame, reading_of(runs))
    assert again.sha256() == runs.sha256()
    for name in ("batch", "score", "dataset", "model", "read_with", "x_mode"):
        assert getattr(again, name) == getattr(runs, name)


def test_other_strategies_do_not_matter_for_a_cut_either():
    late = rows("late", n=8).query("episode >= 3")
    runs = read_runs(pd.concat([late, rows("margin", n=8)]))
    cut = read_runs(runs, strategies=["margin"], max_episodes=4)
    assert cut.table["episode"].tolist() == [1, 2, 3, 4]
    assert "late" in message(runs, max_episodes=4)


# --- invariants


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(11, 100), min_size=4, max_size=8), min_size=1, max_size=4))
def test_folders_csv_and_frame_agree(tmp_path_factory, curves):
    base = tmp_path_factory.mktemp("runs")
    frames = []
    for i, curve in enumerate(curves, 1):
        labels = 100 + 50 * np.arange(len(curve))
        save(base / f"margin_{i}", np.array(curve), labels)
        frames.append(rows(repetition=str(i), n=len(curve)).assign(labels=labels, accuracy=curve))
    frame = pd.concat(frames)
    path = base.with_suffix(".csv")
    frame.to_csv(path, index=False)
    folder, table, direct = read_runs(base), read_runs(path), read_runs(frame)
    pd.testing.assert_frame_equal(folder.table, table.table)
    pd.testing.assert_frame_equal(folder.table, direct.table)
    assert folder.sha256() == table.sha256() == direct.sha256()
    assert folder.notes == table.notes


@pytest.mark.slow
def test_every_real_task_reads_and_notes_are_sparing(curves_dir):
    counts, even = [], []
    for path in sorted(curves_dir.glob("*.csv.gz")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        for dataset, model in table[["dataset", "model"]].drop_duplicates().to_numpy():
            task = table[(table["dataset"] == dataset) & (table["model"] == model)]
            runs = read_runs(path, dataset=dataset, model=model)
            assert len(runs.table) == len(task)
            assert runs.labels_known
            counts.append(len(runs.notes) + len(oddities(runs)))
            even += [counts[-1]] if "lcdb" not in path.name else []  # whose batches grow
    assert len(counts) == 340
    assert max(counts) <= 4
    assert np.mean(counts) < 2.5
    assert np.mean(even) < 2


# --- what values, labels and names are taken for


def test_a_percent_table_may_hold_a_run_that_collapsed(tmp_path):
    good = rows(repetition="1").assign(accuracy=[40.0, 55, 60, 63, 65])
    bad = rows(repetition="2").assign(accuracy=[1.0, 0.9, 1.0, 1.0, 1.0])
    runs = read_runs(pd.concat([good, bad]))
    assert runs.score.percent
    assert runs.table["accuracy"].min() == pytest.approx(0.009)
    assert any(
        "read as 1 % or less" in note and "margin repetition 2" in note for note in runs.notes
    )


def test_fractions_among_percent_are_still_refused():
    percent = rows(repetition="1").assign(accuracy=[40.0, 55, 60, 63, 65])
    fraction = rows(repetition="2").assign(accuracy=[0.4, 0.55, 0.6, 0.63, 0.65])
    said = message(pd.concat([percent, fraction]))
    assert "fractions and percent: at most 1 in margin repetition 2" in said
    assert "percent=True (--percent)" in said


def test_a_table_wholly_below_one_percent_is_read_as_told():
    frame = rows().assign(accuracy=[0.2, 0.4, 0.5, 0.55, 0.6])
    assert read_runs(frame).table["accuracy"].max() == 0.6
    told = read_runs(frame, percent=True)
    assert told.score.percent
    assert told.table["accuracy"].max() == pytest.approx(0.006)
    assert any(
        "percent=True (--percent) reads it as percent" in note for note in read_runs(frame).notes
    )


def test_percent_that_can_be_nothing_else_is_not_said_to_be_read_otherwise():
    (note,) = [
        n for n in read_runs(rows().assign(accuracy=[40.0, 55, 60, 63, 65])).notes if "read" in n
    ]
    assert note == "Accuracy is read as percent: the largest value is 65."


def test_an_error_in_a_column_accuracy_is_refused():
    falling = rows().assign(accuracy=[2.5, 2.0, 1.7, 1.5, 1.3])
    said = message(falling)
    assert "goes up to 2.5 and falls, an error such as an RMSE?" in said
    assert read_runs(falling, percent=True).score.percent


def test_labels_as_shares_of_the_pool_are_refused():
    said = message(rows().assign(labels=[0.05, 0.1, 0.15, 0.2, 0.25]))
    assert "labels are shares of the pool, up to 0.25: give its size by --pool N" in said


def test_percent_of_runs_is_settled():
    runs = read_runs(rows())
    assert "Runs were read with percent=False" in message(runs, percent=True)


@pytest.mark.parametrize("name", ["random_seed", "Random State", "fold", "run_id", "trial"])
def test_repetitions_by_other_names(name):
    frame = pd.concat([rows(), rows().assign(repetition="2")]).rename(columns={"repetition": name})
    assert found(read_runs(frame)) == {"margin": ["1", "2"]}


def test_columns_that_would_tell_rows_apart_are_named():
    frame = pd.concat([rows(), rows().assign(repetition="2")]).rename(columns={"repetition": "who"})
    said = message(frame)
    assert "a second row for this episode" in said
    assert "unused columns that distinguish them: who" in said
    assert "them: who, as repetitions by --column repetition=who or as strategies by " in said
    assert said.endswith("--column strategy=who or as data sets by --column dataset=who")
    seeds = message(pd.concat([frame.assign(seed="1"), frame.assign(seed="2")]))
    assert "them: who, as strategies by --column strategy=who or as data sets by" in seeds


def test_rows_that_nothing_tells_apart_say_what_is_missing():
    said = message(pd.concat([rows(), rows()]).drop(columns="repetition"))
    assert "repetition 1" not in said
    assert "no column distinguishes them: rows are there twice, or a column of the rep" in said
    again = pd.concat([rows(), rows(repetition="2"), rows(repetition="2")])
    assert "strategy margin, repetition 2, episode 1: a second row" in message(again)


def test_columns_do_not_pass_for_strategies(tmp_path):
    wide = rows().drop(columns=["strategy", "episode"]).rename(columns={"accuracy": "margin"})
    wide = wide.assign(random=wide["margin"])
    said = message(csv(tmp_path / "runs.csv", pd.concat([wide, wide]).to_csv(index=False)))
    assert "column margin, " in said
    assert "strategy margin" not in said


def test_data_sets_in_several_files_are_told_apart_by_a_pattern(tmp_path):
    places = [csv(tmp_path / f"{d}.csv", rows().to_csv(index=False)) for d in ("wine", "moons")]
    said = message(places)
    assert "a second row for this episode" in said
    assert f"; the first is in {places[0]}: if names of files tell data sets or runs" in said
    assert "--pattern, such as '{dataset}' or '{strategy}_{repetition}'; or fit each" in said
    assert read_runs(places, pattern="{dataset}", dataset="moons").dataset == "moons"
    assert "the first is in" not in message([places[0], places[0]])


@pytest.mark.parametrize("name", ["Margin ", "MARGIN", "mar gin"])
def test_strategies_that_differ_by_case_or_blanks_are_told(name):
    runs = read_runs(pd.concat([rows(), rows().assign(strategy=name)]))
    assert set(runs.strategies) == {"margin", name.strip()}
    told = f"by case or blanks alone are kept apart: 'margin', '{name.strip()}'"
    assert told in runs.notes[0]
    other = read_runs(pd.concat([rows(), rows().assign(strategy="margins")]))
    assert "case or blanks" not in " ".join(other.notes)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_are_read(tmp_path, mark):
    table = rows()
    path = csv(tmp_path / "runs.csv", table.to_csv(sep=mark, index=False))
    assert len(read_runs(path).table) == len(table)


def test_fewer_episodes_than_the_first_number_is_one_line():
    late = rows(n=6).assign(episode=range(20, 26))
    said = message(late, max_episodes=10)
    assert said == "max_episodes (--episodes) is 10, but episodes begin later: margin with 20"


def test_our_own_tables_are_read_with_the_names_that_were_written(tmp_path):
    names = ["=A+B", "-x", "@a", "'=b", "'tis", "margin"]
    rows = [(name, i, e, RISING[e - 1]) for name in names for i in (1, 2) for e in range(1, 7)]
    table = pd.DataFrame(rows, columns=["strategy", "repetition", "episode", "accuracy"])
    (tmp_path / "long.csv").write_text(csv_text(table), encoding="utf-8")
    assert read_runs(tmp_path / "long.csv").strategies == (*names,)
    wide = table[table["repetition"] == 1].pivot(index="episode", columns="strategy")["accuracy"]
    (tmp_path / "wide.csv").write_text(csv_text(wide[names].reset_index()), encoding="utf-8")
    assert read_runs(tmp_path / "wide.csv", layout="wide").strategies == (*names,)


def test_control_characters_in_names_are_codes():
    frame = pd.DataFrame({"strategy": "\x1b[31mred", "episode": range(1, 7), "accuracy": RISING})
    runs = read_runs(frame, dataset="digits\x07")
    assert runs.strategies == (r"\x1b[31mred",)
    assert runs.dataset == r"digits\x07"
    assert any(r"control characters in names are codes: \x1b[31mred" in note for note in runs.notes)


@pytest.mark.parametrize("order", ["<", ">"])
def test_frames_and_arrays_of_either_byte_order_are_read(tmp_path, order):
    table = pd.DataFrame(
        {
            "strategy": "margin",
            "labels": np.array([60, 20, 40, 80], f"{order}i8"),
            "repetition": np.ones(4, f"{order}i4"),
            "accuracy": np.array([0.7, 0.5, 0.6, 0.75], f"{order}f8"),
        }
    )
    assert read_runs(table).table["accuracy"].tolist() == [0.5, 0.6, 0.7, 0.75]
    assert Runs.from_frame(table).table["labels"].tolist() == [20, 40, 60, 80]
    np.save(tmp_path / "margin.npy", np.array([[50, 60, 70, 75], [52, 61, 71, 76]], f"{order}i8"))
    assert read_runs(tmp_path / "margin.npy").table["accuracy"].iloc[0] == 0.5


@pytest.mark.parametrize("cell", [[0.5], np.array([1, 2])])
def test_a_cell_that_is_a_list_is_no_episode(cell):
    table = rows()
    table["episode"] = pd.Series([cell] * len(table), dtype=object)
    table["labels"] = 20
    with pytest.raises(DataError, match="episode"):
        read_runs(table)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"columns": 3}, "columns is 3, but must be a dict such as {'accuracy': 'test_acc'}"),
        ({"columns": ["acc"]}, "columns is ['acc'], but must be a dict such as"),
        ({"dataset": 3}, "dataset is of type int, but must be text"),
        ({"model": ["cnn"]}, "model is of type list, but must be text"),
        ({"pattern": 3}, "pattern is of type int, but must be text"),
        ({"layout": ["wide"]}, "no layout ['wide']: there are"),
        ({"strategies": 3}, "no strategy 3: there are margin"),
        ({"percent": [True]}, "percent is [True], but must be True, False or None"),
        ({"lower_is_better": "no"}, "lower_is_better is 'no', but must be True or False"),
        ({"percent": np.ones(2)}, "percent is array([1., 1.]), but must be True, False or None"),
        ({"metric": 0}, "metric is of type int, but must be text"),
        ({"spread": 0}, "spread is of type int, but must be text"),
        ({"pool": float("nan")}, "pool (--pool) is nan, but must be finite and above 0"),
        ({"pool": "500"}, "pool (--pool) is '500', but must be a number"),
    ],
)
def test_options_of_another_type_are_one_line(option, said):
    assert said in message(rows(), **option)


def test_strategies_may_be_an_array():
    assert read_runs(read_runs(rows()), strategies=np.array(["margin"])).strategies == ("margin",)


@pytest.mark.parametrize("accuracies", [{0.5}, iter([0.5, 0.6, 0.7, 0.75])])
def test_what_is_neither_a_list_nor_said_once_is_one_line(accuracies):
    with pytest.raises(DataError, match=r"^the dict: accuracy must be lists, or text or numbers"):
        read_runs({"labels": [20, 40, 60, 80], "accuracy": accuracies})


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_lists_of_runs_may_differ_in_length_but_not_in_kind(kind):
    ragged = [kind([0.5, 0.6, 0.7, 0.75]), kind([0.52, 0.6])]
    assert len(read_runs({"margin": ragged}).table) == 6
    assert len(read_runs({"margin": tuple(ragged)}).table) == 6
    with pytest.raises(DataError, match="the dict: labels has both numbers and lists"):
        read_runs({"labels": [20, 40, kind([60])], "margin": [0.5, 0.6, 0.7]})


def test_arrays_of_the_other_byte_order_may_have_gaps(tmp_path):
    """Found by benchmarks/fuzz.py: pandas cannot choose rows of such columns."""
    accuracies = np.array([0.5, 0.6, 0.7, 0.8, np.nan], ">f8")
    np.save(tmp_path / "margin.npy", accuracies)
    read = read_runs(tmp_path / "margin.npy").table["accuracy"]
    np.testing.assert_array_equal(read, accuracies[:-1])
