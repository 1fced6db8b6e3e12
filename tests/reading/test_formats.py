"""Shapes in which people keep their curves: what is read, with the right values, and what is not.

The shapes are those of `benchmarks/formats.py`, which prints what becomes of each.
"""

import importlib.util
import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading import mlflow
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import read_runs
from palm_bayes.reading.tasks import read_tasks

ROOT = Path(__file__).parents[2]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("an unpacked copy of the package alone", allow_module_level=True)


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


formats = loaded(ROOT / "benchmarks" / "formats.py")
KEYS = ["strategy", "repetition", "labels", "accuracy"]


def understood(runs):
    return next((note for note in runs.notes if note.startswith("Read: ")), "")


@pytest.mark.parametrize("shape", formats.SHAPES, ids=lambda shape: shape.name)
def test_shape(shape, tmp_path):
    source = shape.write(tmp_path)
    if shape.refused:
        with pytest.raises(DataError) as caught:
            read_runs(source, **shape.options)
        assert shape.refused in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    runs = read_runs(source, **shape.options)
    assert shape.note in understood(runs)
    if shape.same:
        expected = formats.tidy().astype({"repetition": str, "labels": float})
        found = runs.table[KEYS].sort_values(KEYS[:3], ignore_index=True)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-12, rtol=0)
        assert list(runs.table["episode"][:6]) == [1, 2, 3, 4, 5, 6]


def of(name, tmp_path):
    (shape,) = [shape for shape in formats.SHAPES if shape.name == name]
    return read_runs(shape.write(tmp_path), **shape.options)


def curve(runs, strategy, repetition):
    table = runs.table.query("strategy == @strategy and repetition == @repetition")
    return table["accuracy"].tolist()


def test_one_history(tmp_path):
    runs = of("one history", tmp_path)
    assert curve(runs, "margin", "1") == list(formats.accuracy("margin", 1))


def test_a_column_for_each_repetition(tmp_path):
    runs = of("a column for each repetition", tmp_path)
    for r in (1, 2, 3):
        assert curve(runs, "margin", str(r)) == list(formats.accuracy("margin", r))


def test_a_mean_that_was_chosen(tmp_path):
    runs = of("the means of them, of unknown noise", tmp_path)
    mean = np.mean([formats.accuracy("random", r) for r in (1, 2, 3)], axis=0)
    assert curve(runs, "random", "1") == pytest.approx(mean)


def test_runs_stay_ragged(tmp_path):
    runs = of("a run that stopped early", tmp_path)
    assert curve(runs, "margin", "2") == list(formats.accuracy("margin", 2)[:4])
    assert len(curve(runs, "margin", "1")) == 6


@pytest.mark.parametrize(
    "name",
    [
        "the same, of which one is chosen",
        "one of them",
    ],
)
def test_runs_of_one_experiment(tmp_path, name):
    runs = of(name, tmp_path)
    assert (runs.dataset, len(runs.table)) == ("digits", 30)
    assert curve(runs, "random", "2") == list(formats.accuracy("random", 2))


def test_error_rates_of_budgets_keep_their_name_and_their_spread(tmp_path):
    assert of("error rates for each budget", tmp_path).score.metric == "test_error"
    runs = of("means of errors for each budget", tmp_path)
    mean = np.mean([formats.accuracy("margin", r) for r in (1, 2, 3)], axis=0)
    assert curve(runs, "margin", "mean") == pytest.approx(mean)
    assert runs.table["standard_error"].to_numpy() == pytest.approx(0.01 / 3**0.5)


def test_names_of_data_are_no_reason_to_ask_alone(tmp_path):
    for name in ("margin_", "margin_test", "test_random"):
        formats.saved(formats.wide("margin", "seed_{r}"), tmp_path / f"{name}.csv")
    assert read_runs(tmp_path).strategies == ("margin_", "margin_test", "test_random")


def test_gaps_keep_their_episodes(tmp_path):
    runs = of("an episode missing within a run", tmp_path)
    table = runs.table.query("strategy == 'random' and repetition == '1'")
    assert table["episode"].tolist() == [1, 2, 4, 5, 6]
    assert table["labels"].tolist() == [20, 40, 80, 100, 120]


def test_result_folders_tell_dataset_and_batch(tmp_path):
    runs = of("result folders, measured at every k-th label", tmp_path)
    assert runs.dataset == "splice"
    assert runs.batch == 20
    base = tmp_path / "splice"
    (base / "20").rename(base / "50")
    other = base / "5" / "margin" / "run_1" / "accuracies.csv"
    other.parent.mkdir(parents=True)
    other.write_text("accuracy\n0.1\n0.2\n0.3\n0.4\n")
    with pytest.raises(DataError, match="batches of 5, 50 labels: name one folder"):
        read_runs(base)
    runs = read_runs(base / "5")
    assert runs.table["accuracy"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert not runs.labels_known  # every row was measured: rows may be episodes


@pytest.mark.parametrize(
    ("name", "strategy", "repetitions"),
    [
        ("a column of error rates for each repetition", "margin", 3),
        ("a list of lists", "margin", 3),
        ("a history with its strategy", "margin", 1),
        ("a column for each repetition", "margin", 3),
    ],
)
def test_values_of_single_strategies(tmp_path, name, strategy, repetitions):
    runs = of(name, tmp_path)
    assert runs.strategies == (strategy,)
    assert runs.table["repetition"].nunique() == repetitions
    for repetition in range(1, repetitions + 1):
        expected = formats.accuracy(strategy, repetition)
        assert curve(runs, strategy, str(repetition)) == pytest.approx(list(expected), abs=1e-12)


@pytest.mark.parametrize("name", [s.name for s in formats.SHAPES if "only means" in s.refused])
def test_what_refused_means_offer_fits_the_mean(tmp_path, name):
    (shape,) = (one for one in formats.SHAPES if one.name == name)
    source = shape.write(tmp_path)
    with pytest.raises(DataError) as caught:
        read_runs(source)
    _, column = str(caught.value).split("--column accuracy=")
    runs = read_runs(source, columns={"accuracy": column})
    mean = formats.tidy().groupby(["strategy", "labels"])["accuracy"].mean()
    for strategy in formats.STRATEGIES:
        assert curve(runs, strategy, "1") == pytest.approx(list(mean[strategy]), abs=1e-6)


OFFERS = re.compile(
    r" may be (?!the episodes)|parts that differ|by --pattern '|acc_\{repetition\}|may count"
)
OFFERED = [one.name for one in formats.SHAPES if OFFERS.search(one.refused)]


@pytest.mark.parametrize("name", OFFERED)
def test_what_is_offered_can_be_read(tmp_path, name):
    (shape,) = (one for one in formats.SHAPES if one.name == name)
    source = shape.write(tmp_path)
    with pytest.raises(DataError) as caught:
        read_runs(source)
    said = str(caught.value)
    choices = [{"layout": layout} for layout in re.findall(r"--layout (\w+)", said)]
    choices += [{"pattern": found} for found in re.findall("--pattern '(.*?)'", said)]
    for word, column in re.findall(r"--column (\w+)=(\S+?)(?= or |, )", said):
        choices.append({"columns": {word: column}})
    for choice in choices:
        tasks = read_tasks(source, Reading(**choice))
        assert min(len(task.runs.table) for task in tasks) >= 6, choice
    assert len(choices) >= 1


def test_means_side_by_side_are_strategies(tmp_path):
    runs = of("means of each strategy, of unknown noise", tmp_path)
    mean = formats.tidy().groupby(["strategy", "labels"])["accuracy"].mean()
    assert runs.strategies == formats.STRATEGIES
    for strategy in formats.STRATEGIES:
        assert curve(runs, strategy, "1") == pytest.approx(list(mean[strategy]), abs=1e-6)


@pytest.mark.parametrize(
    "name", ["commas between thousands", "points between thousands, decimal commas"]
)
def test_thousands_have_no_marks(tmp_path, name):
    runs = of(name, tmp_path)
    assert runs.table["labels"].unique().tolist() == [1000, 2000, 3000, 4000, 5000, 6000]
    assert curve(runs, "random", "2") == list(formats.accuracy("random", 2))


def test_percent_in_cells_is_percent(tmp_path):
    runs = of("error rates below 1%, in cells", tmp_path)
    assert runs.score.percent
    errors = (1 - formats.accuracy("margin", 1)) / 100
    assert curve(runs, "margin", "1") == pytest.approx(list(1 - errors))
    wide = (100 * formats.wide().set_index("labels")).map("{:.2f} %".format).reset_index()
    runs = read_runs(formats.saved(wide, tmp_path / "wide.csv"))
    assert curve(runs, "random", "3") == pytest.approx(list(formats.accuracy("random", 3)))
    errors = formats.mistakes().assign(**{"Error (%)": lambda table: 10 * table.pop("error")})
    runs = read_runs(errors, lower_is_better=True)  # up to 5.5, as an RMSE might be
    assert curve(runs, "margin", "1")[0] == pytest.approx(1 - (1 - 0.5381) / 10)


@pytest.mark.parametrize("choice", [True, False])
def test_what_percent_by_name_offers_is_read(tmp_path, choice):
    (shape,) = (one for one in formats.SHAPES if one.name == "a name in percent, values up to 1")
    runs = read_runs(shape.write(tmp_path), percent=choice)
    assert curve(runs, "margin", "1")[0] == pytest.approx(0.005381 if choice else 0.5381)


@pytest.mark.parametrize("name", ["of means", "the same, also of deviations"])
def test_means_beside_repetitions_are_left_out(tmp_path, name):
    (shape,) = (one for one in formats.SHAPES if one.name.endswith(name) and not one.same)
    for options in ({}, {"layout": "wide"}):
        runs = read_runs(shape.write(tmp_path), **options)
        assert runs.strategies == ("margin",)
        assert runs.table["repetition"].unique().tolist() == ["1", "2", "3"]
        assert curve(runs, "margin", "2") == list(formats.accuracy("margin", 2))


@pytest.mark.parametrize(
    "name",
    [".npy of labels above runs", ".npy of labels beside runs", ".npz of two measures"],
)
def test_arrays_with_their_labels(tmp_path, name):
    runs = of(name, tmp_path)
    assert runs.table["labels"].unique().tolist() == formats.LABELS.tolist()
    for r in formats.REPETITIONS:
        assert curve(runs, "margin", str(r)) == list(formats.accuracy("margin", r))
    assert runs.table["repetition"].nunique() == 3


def test_whole_percent_and_flat_runs_are_no_labels(tmp_path):
    rng = np.random.default_rng(0)
    for runs in (np.array([[43, 61, 70, 75], [41, 60, 72, 74]]), 0.5 + 0.01 * rng.random((6, 9))):
        np.save(tmp_path / "margin.npy", runs)
        assert read_runs(tmp_path / "margin.npy").table["repetition"].nunique() == len(runs)
    turned = np.array([formats.accuracy("margin", r)[:5] for r in range(5)]).T
    with pytest.raises(DataError, match="5 runs x 5 episodes, but its rows may be the episodes"):
        read_runs({"labels": formats.LABELS[:5], "margin": turned})


def test_seed_and_fold_are_repetitions_together(tmp_path):
    runs = of("seed and fold", tmp_path)
    assert runs.table["repetition"].unique().tolist() == [
        f"{r} / {f}" for r in (1, 2, 3) for f in (0, 1)
    ]
    assert curve(runs, "random", "2 / 1") == list(formats.accuracy("random", 2))
    wide = pd.concat(
        [formats.wide(names="{s}").assign(seed=s, fold=f) for s in (1, 2) for f in (0, 1)]
    )
    assert read_runs(wide).strategies == formats.STRATEGIES


def test_numbers_with_blanks(tmp_path):
    runs = of("numbers with blanks after commas", tmp_path)
    assert curve(runs, "margin", "1") == list(formats.accuracy("margin", 1))
    assert runs.batch == 20


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[frame["repetition"] == 1],
        lambda frame: frame[frame["strategy"] == "random"],
        lambda frame: frame.drop(index=[3]),
    ],
)
def test_numbers_of_rows_are_no_labels(tmp_path, change):
    frame = change(formats.queries())
    frame.to_parquet(tmp_path / "runs.parquet")
    frame.to_json(tmp_path / "runs.json")
    sources = [frame, formats.saved(frame, tmp_path / "runs.csv", index=True)]
    for source in (*sources, tmp_path / "runs.parquet", tmp_path / "runs.json"):
        with pytest.raises(DataError, match=r"may number the rows: .*--column labels=n_quer"):
            read_runs(source)
        runs = read_runs(source, columns={"labels": "n_queries"})
        assert runs.table["labels"].iloc[0] == 20


def test_columns_of_percent_and_of_others_are_refused():
    names = ["strategy", "100", "20%", "40%", "60%", "80%"]
    frame = pd.DataFrame([["a", *np.linspace(0.5, 0.9, 5)]], columns=names)
    with pytest.raises(DataError, match="80% is percent of the pool, 100 is not"):
        read_runs(frame)


def test_runs_of_a_database_without_names_have_none(tmp_path):
    path = formats.mlflow_database(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE runs SET name = NULL")
        database.commit()
    assert set(mlflow.table_of([path]).frame["run_name"]) == {""}


def test_an_index_that_may_number_rows_can_be_chosen():
    frame = pd.DataFrame({s: np.linspace(0.5, 0.6, 10) for s in formats.STRATEGIES}, range(18, 28))
    with pytest.raises(DataError, match="--column labels='' or --column episode=''"):
        read_runs(frame)
    runs = read_runs(frame, columns={"labels": ""})
    assert runs.table["labels"].tolist() == [*range(18, 28)] * 2
    assert "labels are the column without a name" in understood(runs)


def test_gaps_of_spreadsheets(tmp_path):
    frame = formats.tidy().astype({"accuracy": object})
    for gap in ("#N/A", "--", "?", "—"):
        frame.loc[5, "accuracy"] = gap
        runs = read_runs(formats.saved(frame, tmp_path / "a.csv"))
        assert len(curve(runs, "margin", "1")) == 5


def cells_of(frame):
    """Give what pandas reads of a sheet without a header."""
    return pd.DataFrame([list(frame.columns), *frame.astype(object).to_numpy().tolist()])


def test_excel_sheets_are_strategies(tmp_path, monkeypatch):
    path = tmp_path / "runs.xlsx"
    path.touch()
    sheets = {s: cells_of(formats.wide(s, "seed {r}")) for s in formats.STRATEGIES}
    sheets["notes"] = pd.DataFrame()
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: sheets)
    runs = read_runs(path)
    assert runs.strategies == ("margin", "random")
    assert curve(runs, "random", "3") == list(formats.accuracy("random", 3))
    one = cells_of(formats.tidy())
    one.iloc[1:, 1] = one.iloc[1:, 1].astype(float)  # as Excel keeps numbers
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: {"Sheet1": one})
    assert list(read_runs(path).table["repetition"].unique()) == ["1", "2", "3"]


def test_sheets_of_notes(tmp_path, monkeypatch):
    path = tmp_path / "runs.xlsx"
    path.touch()
    sheets = {"README": pd.DataFrame([["note"], ["by me"]]), "data": cells_of(formats.tidy())}
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: sheets)
    assert "sheet README, without numbers, left out" in understood(read_runs(path))
    sheets["README"] = pd.DataFrame([["note"], ["by me, 2024"]])
    with pytest.raises(DataError, match=r"runs\.xlsx: README: no column for accuracy: found note"):
        read_runs(path)


def test_a_workbook_of_empty_sheets_is_told(tmp_path, monkeypatch):
    path = tmp_path / "runs.xlsx"
    path.touch()
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: {"Sheet1": pd.DataFrame()})
    for source in (path, [path], tmp_path):
        with pytest.raises(DataError, match=r"runs\.xlsx holds no table"):
            read_runs(source)


def test_settings_in_records_are_read_in_memory_as_from_a_file(tmp_path):
    rows = formats.tidy().to_dict("records")
    records = [{"config": {"seed": row.pop("repetition")}, **row} for row in rows]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(records))
    assert read_runs(records).sha256() == read_runs(path).sha256()


@pytest.mark.parametrize(
    ("header", "score"),
    [
        ("Query Strategy,Labels (n),Test accuracy (%)", "Test accuracy (%)"),
        ("params.strategy,config/n_labeled,metrics.test_acc", "metrics.test_acc"),
        ("Method,#Labels,acc [%]", "acc [%]"),
        ("strategy,labels,eval/accuracy", "eval/accuracy"),
    ],
)
def test_units_and_prefixes_do_not_matter(tmp_path, header, score):
    rows = "".join(f"margin,{10 * i},{40 + i}\n" for i in range(1, 6))
    runs = read_runs(formats.text(tmp_path / "a.csv", f"{header}\n{rows}"))
    assert f"score is {score}" in understood(runs)
    assert runs.score.percent
    assert runs.table["labels"].tolist() == [10, 20, 30, 40, 50]


def test_empty_rows_of_one_column_count(tmp_path):
    text = "accuracy\n" + '""\n""\n0.5\n' * 2 + "\n\n0.6\n\n\n0.7\n"
    runs = read_runs(formats.text(tmp_path / "margin.csv", text))
    assert runs.table["labels"].tolist() == [3, 6, 9, 12]
    assert runs.table["episode"].tolist() == [1, 2, 3, 4]


def test_empty_rows_of_several_columns_count(tmp_path):
    path = formats.text(tmp_path / "a.csv", "margin,random\n" + "\n,\n,\n0.5,0.4" * 5 + "\n,\n\n")
    assert read_runs(path).table["labels"].tolist() == [3, 6, 9, 12, 15] * 2  # not blank lines
    head = "\n\nlabels,acc\n10,0.5\n20,x\n"
    with pytest.raises(DataError, match=r"margin\.csv, line 5, .* accuracy is 'x'"):
        read_runs(formats.text(tmp_path / "margin.csv", head))


def test_numbers_with_gaps(tmp_path):
    path = formats.text(tmp_path / "margin.csv", "0.5,0.6,0.7,0.8,0.9\n0.5,0.6,0.7,0.8\n")
    assert len(read_runs(path).table) == 9  # runs of 5 and 4 episodes
    formats.text(path, ",,0.5" * 5)
    assert read_runs(path).table["labels"].tolist() == [3, 5, 7, 9, 11]


def test_cells_of_means_and_of_percent(tmp_path):
    frame = formats.tidy()
    cells = frame["accuracy"].map("{:.2f} ± 0.01".format)
    with pytest.raises(DataError, match=r"'0\.54 ± 0\.01' is a mean and its spread"):
        read_runs(frame.assign(accuracy=cells))
    percent = (100 * frame["accuracy"]).map("{:.2f}%".format)
    runs = read_runs(formats.saved(frame.assign(accuracy=percent), tmp_path / "a.csv"))
    assert curve(runs, "margin", "1") == pytest.approx(list(formats.accuracy("margin", 1)))


def test_what_may_count_is_asked_for(tmp_path):
    frame = (100 * formats.wide(names="{s}")).assign(size=formats.LABELS / 2).drop(columns="labels")
    path = formats.saved(frame, tmp_path / "a.csv")
    with pytest.raises(DataError, match="no column for episode or labels: found margin, random, s"):
        read_runs(path)
    runs = read_runs(path, columns={"labels": "size"})
    assert runs.strategies == ("margin", "random")
    assert runs.batch == 10


def test_a_file_without_names_of_columns(tmp_path):
    path = formats.saved(formats.tidy(), tmp_path / "a.csv", header=False)
    with pytest.raises(DataError, match=r"the first row has 0\.5381, needed are names of columns"):
        read_runs(path)


def test_numbers_alone_are_runs_and_what_counts(tmp_path):
    runs = np.array([formats.accuracy("margin", r) for r in formats.REPETITIONS])
    path = tmp_path / "margin.csv"
    np.savetxt(path, np.column_stack([formats.LABELS, runs.T]), delimiter=",")
    there = read_runs(path)
    assert "the first column, without a name, counts labels" in understood(there)
    assert curve(there, "margin", "2") == list(runs[1])
    assert there.table["labels"].unique().tolist() == formats.LABELS.tolist()
    np.savetxt(path, np.column_stack([np.arange(6), runs[0]]), delimiter=";")
    assert "counts episode" in understood(read_runs(path))
    np.savetxt(path, runs[2])
    assert curve(read_runs(path), "margin", "1") == list(runs[2])
    np.savetxt(path, runs.T, delimiter="\t")
    with pytest.raises(DataError, match=r"read as 6 runs x 3 episodes, .* transpose"):
        read_runs(path)
    np.savetxt(path, runs.T, delimiter=",", header="1,2,3", comments="")
    assert curve(read_runs(path), "margin", "3") == list(runs[2])  # names may be numbers


def test_an_index_without_a_name_counts(tmp_path):
    frame = formats.wide().set_index("labels").rename_axis(None)
    assert "the column without a name counts labels" in understood(read_runs(frame))
    path = tmp_path / "a" / "7" / "margin" / "run_2" / "accuracies.csv"
    rows = np.full(121, np.nan)
    rows[formats.LABELS] = formats.accuracy("margin", 2)
    runs = read_runs(formats.saved(pd.DataFrame({"0": rows}), path, index=True))
    assert curve(runs, "margin", "2") == list(formats.accuracy("margin", 2))
    assert runs.table["labels"].tolist() == formats.LABELS.tolist()
    assert "115 rows at labels where no run was measured left out" in understood(runs)


def test_labels_in_percent_need_a_pool():
    frame = formats.tidy()
    percent = frame.assign(labels=frame["labels"] / 10).rename(columns={"labels": "labels (%)"})
    with pytest.raises(DataError, match="labels are percent of the pool, up to 12: give its size"):
        read_runs(percent)
    assert read_runs(percent, pool=1000).batch == 20


def test_frames_and_records_in_a_dict_or_list():
    frame = formats.tidy()
    frames = {s: rows.drop(columns="strategy") for s, rows in frame.groupby("strategy")}
    for source in (
        frames,
        {s: rows.to_dict("records") for s, rows in frames.items()},
        {"results": frame.to_dict("records"), "seed": 3} | {},
        frame.to_dict("records"),
    ):
        runs = read_runs(source)
        assert runs.strategies == ("margin", "random")
        assert curve(runs, "random", "2") == list(formats.accuracy("random", 2))


def test_a_pattern_of_the_columns_of_a_file(tmp_path):
    path = formats.saved(formats.wide(names="{r}:{s}"), tmp_path / "a.csv")
    runs = read_runs(path, pattern="{repetition}:{strategy}")
    assert curve(runs, "random", "2") == list(formats.accuracy("random", 2))
    with pytest.raises(DataError, match="does not match 1:margin"):
        read_runs(path, pattern="{strategy}-{repetition}")
    path = formats.saved(formats.tidy(), tmp_path / "b.csv")
    with pytest.raises(DataError, match="fits neither file, columns nor strategies"):
        read_runs(path, pattern="{strategy}-{repetition}")


def test_names_of_results_are_no_strategies(tmp_path):
    frame = formats.tidy()[["labels", "accuracy"]][:6]
    for name in ("run_0/accuracies.csv", "data.csv", "Results_2.csv", "log-2024-05-01.csv"):
        assert read_runs(formats.saved(frame, tmp_path / name)).strategies == ("strategy",)
    assert read_runs(formats.saved(frame, tmp_path / "data_margin.csv")).strategies != ("strategy",)


def test_names_without_a_number_are_a_first_repetition(tmp_path):
    frame = formats.wide().rename(columns={"random_1": "random"}).iloc[:, :5]
    runs = read_runs(formats.saved(frame, tmp_path / "a.csv"))
    assert curve(runs, "random", "1") == list(formats.accuracy("random", 1))
    assert runs.table["repetition"].nunique() == 3


def test_a_tracker_with_several_metrics(tmp_path):
    frame = pd.DataFrame({"Step": range(5), "a_1 - loss": 9.0, "a_1 - val/f1": 0.2})
    frame["a_1 - test/acc"] = [0.1, 0.2, 0.3, 0.4, np.nan]
    path = formats.saved(frame, tmp_path / "export.csv")
    with pytest.raises(DataError, match="choose one by --column accuracy=val/f1 or --column acc"):
        read_runs(path)
    runs = read_runs(path, columns={"accuracy": "test/acc"})
    assert runs.table["accuracy"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert "score is test/acc; Step counts episodes" in understood(runs)
    with pytest.raises(DataError, match=r"export.csv: no metric 'acc'"):
        read_runs(path, columns={"accuracy": "acc"})


def test_a_tracker_may_count_labels_and_name_groups(tmp_path):
    frame = pd.DataFrame({"n_labeled": [10, 20, 30, 40], "Group: margin - acc": 0.5})
    frame["Group: margin - acc__MAX"] = 0.9
    runs = read_runs(formats.saved(frame, tmp_path / "export.csv"))
    assert runs.table["accuracy"].tolist() == [0.5] * 4
    assert (runs.strategies, runs.batch) == (("margin",), 10)
    assert "(their least and greatest, __MIN and __MAX, are no standard dev" in understood(runs)
    alike = frame.assign(**{"Group: margin - acc__MAX": 0.5})
    assert "mean" not in understood(read_runs(alike))
    with pytest.raises(DataError, match="spread is 'sd of 5', but no column or cell has a spread"):
        read_runs(frame, spread="sd of 5")


def test_groups_are_read_as_their_means(tmp_path):
    runs = of("groups of Weights & Biases", tmp_path)
    for s in formats.STRATEGIES:
        mean = np.mean([formats.accuracy(s, r) for r in formats.REPETITIONS], axis=0)
        assert curve(runs, s, "1") == pytest.approx(mean)


def test_one_counter_of_runs_beside_their_labels():
    rows = []
    for i, labels in enumerate(formats.LABELS):
        for s in formats.STRATEGIES:
            cells = {f"{s} - acc": formats.accuracy(s, 1)[i], f"{s} - n_labeled": labels}
            rows.append({"Step": len(rows), **cells})
    runs = read_runs(pd.DataFrame(rows))
    assert runs.table["labels"].tolist() == 2 * formats.LABELS.tolist()
    assert curve(runs, "random", "1") == list(formats.accuracy("random", 1))


def test_labels_of_trackers_belong_to_each_run(tmp_path):
    frame = formats.stepped(range(6))
    runs = [name.removesuffix(" - test/acc") for name in frame.columns[1:]]
    counts = {f"{run} - n_labeled": formats.LABELS + i for i, run in enumerate(runs)}
    path = formats.saved(frame.assign(**counts), tmp_path / "a.csv")
    assert list(read_runs(path).table["labels"][6:12]) == list(formats.LABELS + 1)
    with pytest.raises(DataError, match="several metrics count labels, choose one by --column lab"):
        read_runs(frame.assign(**counts, **{f"{runs[0]} - labels": 1}))
    del counts[f"{runs[2]} - n_labeled"]
    with pytest.raises(DataError, match="no column margin_seed3 - n_labeled, as other runs have"):
        read_runs(frame.assign(**counts))
    assert read_runs(frame.assign(**counts), columns={"labels": "Step"}).describe()


def test_tags_of_tensorboard(tmp_path):
    formats._tensorboard(tmp_path)
    for file in sorted(tmp_path.glob("*.csv")):
        formats.saved(pd.read_csv(file), tmp_path / file.name.replace("test_acc", "test_loss"))
    assert read_runs(tmp_path).describe().startswith("2 strategies x 3 repetitions x 6 episodes")
    runs = read_runs(tmp_path, lower_is_better=True)
    assert "score is test_loss" in understood(runs)
    formats.saved(pd.DataFrame({"Step": [1]}), tmp_path / "run-margin_1-tag-val_acc.csv")
    with pytest.raises(DataError, match=r"several tags \(test_acc, val_acc\): name one by a glob"):
        read_runs(tmp_path)


def test_a_tag_of_tensorboard_names_the_score(tmp_path):
    runs = read_runs(formats._board(tmp_path / "a", "f1_macro"))
    assert runs.score.metric == "f1_macro"
    runs = read_runs(formats._board(tmp_path / "b", "train_accuracy"))
    assert "score is train_accuracy" in understood(runs)
    value = {"accuracy": "Value"}
    assert "score is Value" in understood(read_runs(tmp_path / "a", columns=value))


def test_runs_keep_how_they_were_read():
    runs = read_runs(formats.tidy())
    with pytest.raises(DataError, match="columns and pool cannot change once Runs are made"):
        read_runs(runs, columns={"accuracy": "f1"}, pool=9)


def test_layout_can_be_asked_for(tmp_path):
    path = formats.saved(formats.wide("margin", "v{r}").iloc[:, :2], tmp_path / "a.csv")
    with pytest.raises(DataError, match="no column for accuracy: found labels, v1"):
        read_runs(path)
    assert read_runs(path, layout="wide").strategies == ("v1",)
    with pytest.raises(
        DataError,
        match="no layout 'broad': there are headers, tracker, values, mlflow, across, long",
    ):
        read_runs(path, layout="broad")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"score": "x"}, "'score' is no role of a column; roles are strategy, accuracy"),
        ({"accuracy": "acc"}, "no column 'acc': there are strategy, repetition, labels, accuracy"),
    ],
)
def test_columns_must_be_there(given, said):
    with pytest.raises(DataError, match=said):
        read_runs(formats.tidy(), columns=given)


@pytest.mark.parametrize("name", ["rmse", "metrics/val_loss", "ECE", "1 - error"])
def test_errors_are_not_fitted_as_scores(tmp_path, name):
    frame = formats.tidy().rename(columns={"accuracy": name})
    with pytest.raises(DataError, match="is an error: read it with --lower-is-better, or rename"):
        read_runs(frame, columns={"accuracy": name})
    assert read_runs(frame, columns={"accuracy": name}, lower_is_better=True).score.metric == name
    tracked = formats.wide(names="{s}_{r} - " + name).rename(columns={"labels": "Step"})
    with pytest.raises(DataError, match="is an error"):
        read_runs(tracked, columns={"accuracy": name})
    assert read_runs(frame.rename(columns={name: "test_acc"})).score.metric == "accuracy"


def test_other_columns_are_no_strategies(tmp_path):
    frame = pd.DataFrame({"labels": [10, 20, 30, 40], "loss": 0.5, "precision": 0.4})
    with pytest.raises(DataError, match="no column for accuracy"):
        read_runs(formats.saved(frame, tmp_path / "a.csv"))


def test_ragged_lists_and_constants():
    lists = {"margin": [0.1, 0.2, 0.3, 0.4, 0.5], "random": [0.1, 0.15, 0.2, 0.3, None]}
    told = {"dataset": "digits", "config": {"lr": 1}, "labels": [5, 10, 15, 20, 25]}
    runs = read_runs(told | lists)
    assert runs.dataset == "digits"
    assert curve(runs, "random", "1") == lists["random"][:4]
    runs = read_runs({"margin": [lists["margin"], lists["margin"][:3]]})
    assert curve(runs, "margin", "2") == lists["margin"][:3]
    assert not runs.labels_known


def test_columns_of_other_names_are_said(tmp_path):
    said = "Read: strategy is sampler; labels are n_labeled; repetition is seed; score is test_acc."
    assert understood(of("other names", tmp_path)) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            np.ones((3, 4)),
            "the data are of type ndarray, but must be a path, paths, a DataFrame or",
        ),
        ({}, "the dict is empty"),
        ({"labels": 5}, "the dict holds no lists: found labels"),
        ({"labels": [1, 2], "accuracy": [0.1]}, "lists differ in length: labels 2, accuracy 1"),
        ({"labels": [1, 2], "m": np.ones((3, 3))}, r"labels has shape \(2,\), allowed is \(3,\)"),
        ({"m": np.ones((2, 3)), "r": np.ones((2, 4))}, "shapes do not fit together"),
        ({"m": np.ones((2, 3, 4))}, r"m has shape \(2, 3, 4\), allowed is a list, or runs x epi"),
        ({"labels": [1, 2, 3], "accuracy": [0.1, 0.2, 0.3]}, "no column for strategy"),
    ],
)
def test_dicts_that_cannot_be_read(source, said):
    with pytest.raises(DataError, match=said):
        read_runs(source)


def test_shares_need_a_pool_that_can_be():
    frame = formats.tidy()
    shares = frame.assign(labels=frame["labels"] / 1000)
    with pytest.raises(DataError, match=r"the pool has 0.5 labels, of which 0.12 is no share"):
        read_runs(shares, pool=0.5)
    assert read_runs(frame, pool=1000).table["labels"].max() == 120  # counts stay counts


def test_each_task_has_its_own_gaps():
    one, other = (formats.tidy().assign(dataset=d) for d in ("a", "b"))
    other["labels"] = other["labels"] + 5
    other.loc[1, "accuracy"] = np.nan
    first, second = read_tasks(pd.concat([one, other]), Reading())
    assert first.runs.table["episode"].tolist() == [1, 2, 3, 4, 5, 6] * 6
    assert second.runs.table["episode"].tolist()[:5] == [1, 3, 4, 5, 6]
    assert "runs that have gaps: margin 1" in understood(second.runs)


def test_the_documentation_lists_what_is_read():
    made = loaded(ROOT / "scripts" / "formats_page.py").page()
    assert (ROOT / "docs" / "formats.md").read_text(encoding="utf-8") == made


def test_one_column_named_after_another_is_a_strategy():
    accuracies = {
        name: formats.accuracy("margin", 1) for name in ("margin", "random", "margin_ssl")
    }
    runs = read_runs(pd.DataFrame({"labels": formats.LABELS, **accuracies}))
    assert runs.strategies == ("margin", "random", "margin_ssl")


def test_empty_frames_are_told():
    for layout in (None, "tracker", "headers"):
        with pytest.raises(DataError, match="the table has no rows"):
            read_runs(formats.stepped(range(6))[:0], layout=layout)
    with pytest.raises(DataError, match="no column for accuracy"):
        read_runs(pd.DataFrame({"round": range(6)}), layout="headers")
