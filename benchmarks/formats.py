"""What the readers make of the shapes in which people keep their curves, all made up and small.

.venv/bin/python benchmarks/formats.py
"""

import argparse
import json
import pickle
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes import DataError, read_runs

STRATEGIES, REPETITIONS = ("margin", "random"), (1, 2, 3)
LABELS = np.arange(20, 140, 20)


def accuracy(strategy: str, repetition: int) -> np.ndarray[Any, Any]:
    """Return six accuracies, which tell strategy and repetition apart."""
    rise = 1 - np.exp(-LABELS / (40 if strategy == "margin" else 70))
    return np.round(0.3 + 0.6 * rise + 0.002 * repetition, 4)


def tidy() -> pd.DataFrame:
    """Return the curves of all shapes, one row each."""
    return pd.concat(
        [
            pd.DataFrame(
                {"strategy": s, "repetition": r, "labels": LABELS, "accuracy": accuracy(s, r)}
            )
            for s in STRATEGIES
            for r in REPETITIONS
        ],
        ignore_index=True,
    )


def wide(strategy: str | None = None, names: str = "{s}_{r}") -> pd.DataFrame:
    """Return a column for each run."""
    chosen = STRATEGIES if strategy is None else (strategy,)
    runs = {names.format(s=s, r=r): accuracy(s, r) for s in chosen for r in REPETITIONS}
    return pd.DataFrame({"labels": LABELS, **runs})


@dataclass(frozen=True)
class Shape:
    """A shape: how it is written, the options that it needs, and what comes back.

    Attributes
    ----------
    name : str
    write : callable
        Writes it into a folder, and returns what is read.
    options : dict
    refused : str
        Words of the error, where it is refused.
    same : bool
        If strategies, repetitions, labels and accuracies are those of `tidy`.
    note : str
        Words of the notes.
    """

    name: str
    write: Callable[[Path], Any]
    options: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    same: bool = True
    note: str = ""


SHAPES: list[Shape] = []

OF_THREE = {"spread": "sd of 3"}  # what the options say of means
ASKED = "say of how many repetitions by --spread 'sd of N'"  # words of the error without them
WHICH = "say which by --spread 'sd of N'"


def shape(name: str, **more: Any) -> Callable[[Callable[[Path], Any]], Callable[[Path], Any]]:
    """Add what a function writes to the shapes; several of one function, from the last up."""

    def add(write: Callable[[Path], Any]) -> Callable[[Path], Any]:
        SHAPES.append(Shape(name, write, **more))
        return write

    return add


def saved(frame: pd.DataFrame, path: Path, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, **({"index": False} | more))
    return path


def text(path: Path, lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines, encoding="utf-8")
    return path


def renamed(**names: str) -> pd.DataFrame:
    return tidy().rename(columns=names)


# --- names of columns


@shape("other names", note="score is test_acc")
def _names(at: Path) -> Path:
    return saved(
        renamed(strategy="sampler", repetition="seed", labels="n_labeled", accuracy="test_acc"),
        at / "runs.csv",
    )


@shape("names in capitals, with blanks and punctuation", note="score is Test Acc.")
def _capitals(at: Path) -> Path:
    names = {"strategy": "Query Strategy", "repetition": "Random-Seed", "labels": "# Labels"}
    return saved(renamed(**names, accuracy="Test Acc."), at / "runs.csv")


@shape("rounds, F1 in percent", options={"batch": 20}, note="score is f1_macro")
def _rounds(at: Path) -> Path:
    frame = tidy()
    frame["round"] = frame.pop("labels") // 20
    frame["f1_macro"] = 100 * frame.pop("accuracy")
    return saved(frame, at / "runs.csv")


@shape("columns r1, r2, r3", note="3 repetitions from the columns r1, r2, r3")
def _r_columns(at: Path) -> Path:
    return saved(pd.concat([wide(s, "r{r}").assign(strategy=s) for s in STRATEGIES]), at / "a.csv")


@shape("a lone r2", note="score is r2")
def _r_squared(at: Path) -> Path:
    return saved(renamed(accuracy="r2"), at / "runs.csv")


@shape("r2 beside accuracies", refused="choose by --column accuracy=acc or --column accuracy=r2")
def _r_squared_beside(at: Path) -> Path:
    return saved(renamed(accuracy="acc").assign(r2=0.5), at / "runs.csv")


@shape("ROUGE of several lengths", refused="r1, r2, rl may be several measures")
def _rouge(at: Path) -> Path:
    return saved(wide("margin", "r{r}").rename(columns={"r3": "rl"}), at / "margin.csv")


@shape(
    "two measures, one chosen",
    options={"columns": {"accuracy": "test_acc"}},
    note="score is test_acc, not val_acc",
)
@shape("two measures", refused="--column accuracy=test_acc or --column accuracy=val_acc")
def _two(at: Path) -> Path:
    frame = renamed(accuracy="test_acc")
    return saved(frame.assign(val_acc=frame["test_acc"] - 0.01), at / "runs.csv")


@shape("accuracy and F1", note="score is accuracy, not f1_macro")
def _beside(at: Path) -> Path:
    return saved(tidy().assign(f1_macro=0.1), at / "runs.csv")


@shape("seed and run", refused="--column repetition=seed or --column repetition=run")
def _seed_run(at: Path) -> Path:
    frame = renamed(repetition="seed")
    return saved(frame.assign(run=frame["seed"] + 6), at / "runs.csv")


@shape(
    "repetitions under another name",
    refused="columns that distinguish them: exp_id, as repetitions by --column repetition=exp_id",
)
def _exp_id(at: Path) -> Path:
    return saved(renamed(repetition="exp_id"), at / "runs.csv")


@shape("no strategy that can be told", refused="no column for strategy")
def _no_strategy(at: Path) -> Path:
    return saved(renamed(strategy="name"), at / "runs.csv")


@shape(
    "the same with a pattern",
    options={"columns": {"strategy": "Name"}, "pattern": "{strategy}_seed{repetition}"},
    note="strategy, repetition by the pattern {strategy}_seed{repetition}",
)
@shape("a column of names of runs", refused="--column strategy=Name, with --pattern")
def _run_names(at: Path) -> Path:
    frame = tidy()
    frame["Name"] = frame.pop("strategy") + "_seed" + frame.pop("repetition").astype(str)
    return saved(frame, at / "runs.csv")


@shape("another name of the score", refused="--column accuracy=final_test_accuracy")
def _final(at: Path) -> Path:
    return saved(renamed(accuracy="final_test_accuracy"), at / "runs.csv")


@shape(
    "line breaks in the header",
    note="labels are n labels; repetition is random seed; score is test acc",
)
def _breaks(at: Path) -> Path:
    names = {"repetition": "random\nseed", "labels": "n\nlabels", "accuracy": "test\r\nacc"}
    return saved(renamed(**names)[[*names.values(), "strategy"]], at / "runs.csv", sep=";")


@shape("what it offers", options={"columns": {"accuracy": "final score"}}, note="score is final s")
@shape("line breaks in names that are refused", refused="choose one by --column accuracy=final sco")
def _breaks_unsaid(at: Path) -> Path:
    return saved(renamed(accuracy="final\nscore"), at / "runs.csv")


# --- errors and losses


def mistakes() -> pd.DataFrame:
    """Return the curves of all shapes as error rates."""
    frame = tidy()
    return frame.assign(error=1 - frame.pop("accuracy"))


@shape(
    "the same, chosen",
    options={"columns": {"accuracy": "error_rate"}},
    refused="error_rate is an error: read it with --lower-is-better, or rename it if higher is",
)
@shape("error rates, not said to be", refused="errors are read with --lower-is-better")
@shape("error rates", options={"lower_is_better": True}, note="score is error_rate")
def _errors(at: Path) -> Path:
    return saved(mistakes().rename(columns={"error": "error_rate"}), at / "runs.csv")


@shape("an RMSE", refused="choose one by --column accuracy=rmse --lower-is-better")
def _rmse(at: Path) -> Path:
    return saved(mistakes().rename(columns={"error": "rmse"}), at / "runs.csv")


@shape("error rates in percent", options={"lower_is_better": True}, note="score is Test error (%)")
def _errors_percent(at: Path) -> Path:
    frame = mistakes()
    return saved(frame.assign(**{"Test error (%)": 100 * frame.pop("error")}), at / "runs.csv")


@shape(
    "losses beside accuracies",
    options={"lower_is_better": True},
    note="score is loss, not accuracy",
)
def _losses(at: Path) -> Path:
    frame = tidy()
    return saved(frame.assign(loss=1 - frame["accuracy"]), at / "runs.csv")


@shape(
    "a column of error rates for each repetition",
    options={"lower_is_better": True},
    same=False,
    note="3 repetitions from the columns err_1, err_2, err_3",
)
def _errors_wide(at: Path) -> Path:
    frame = wide("margin", "err_{r}").set_index("labels")
    return saved((1 - frame).reset_index(), at / "margin.csv")


@shape("the same, not said to be", refused="test/error is an error: read it with --lower-is-better")
@shape(
    "error rates of Weights & Biases",
    options={"lower_is_better": True},
    note="score is test/error; Step counts labels",
)
def _errors_tracked(at: Path) -> Path:
    frame = wide(names="{s}_seed{r} - test/error").set_index("labels").rename_axis("Step")
    return saved((1 - frame).reset_index(), at / "wandb_export.csv")


@shape(
    "errors beside accuracies, a row each",
    options={"lower_is_better": True},
    note="score is error_rate",
)
def _errors_valued(at: Path) -> Path:
    frame = tidy().rename(columns={"accuracy": "value"}).assign(metric="accuracy")
    other = frame.assign(value=1 - frame["value"], metric="error_rate")
    return saved(pd.concat([frame, other]), at / "runs.csv")


# --- kinds of files


@shape("tabs")
def _tabs(at: Path) -> Path:
    return saved(tidy(), at / "runs.tsv", sep="\t")


@shape("semicolons and decimal commas", note="commas are decimal")
def _semicolons(at: Path) -> Path:
    return saved(tidy(), at / "runs.csv", sep=";", decimal=",")


@shape("Parquet")
def _parquet(at: Path) -> Path:
    tidy().to_parquet(at / "runs.parquet")
    return at / "runs.parquet"


@shape("JSON records")
def _records(at: Path) -> Path:
    return text(at / "runs.json", json.dumps(tidy().to_dict("records")))


@shape("JSON lines")
def _lines(at: Path) -> Path:
    tidy().to_json(at / "runs.jsonl", orient="records", lines=True)
    return at / "runs.jsonl"


@shape("JSON by column")
def _by_column(at: Path) -> Path:
    tidy().to_json(at / "runs.json")
    return at / "runs.json"


@shape("a history for each run", note="strategy, repetition by the names of its parts")
def _histories(_: Path) -> dict[str, Any]:
    return {
        s: {
            f"seed_{r}": {"n_labeled": LABELS.tolist(), "test_acc": accuracy(s, r).tolist()}
            for r in REPETITIONS
        }
        for s in STRATEGIES
    }


@shape("the same as a file", note="strategy, repetition by the names of its parts")
def _history_file(at: Path) -> Path:
    return text(at / "history.json", json.dumps(_histories(at)))


@shape("one history", same=False, note="strategy margin by its name")
def _history(at: Path) -> Path:
    history = {"labels": LABELS.tolist(), "acc": accuracy("margin", 1).tolist()}
    return text(at / "margin.json", json.dumps(history))


@shape("dict of arrays, runs x episodes", note="margin 3 runs x 6 episodes")
def _arrays(_: Path) -> dict[str, Any]:
    runs = {s: np.array([accuracy(s, r) for r in REPETITIONS]) for s in STRATEGIES}
    return {"labels": LABELS, **runs}


@shape(".npz of arrays and labels", note="random 3 runs x 6 episodes")
def _npz(at: Path) -> Path:
    np.savez(at / "runs.npz", **_arrays(at))
    return at / "runs.npz"


@shape(".npy, a file for each strategy", options={"batch": 20}, note="strategy by the names of")
def _npy(at: Path) -> str:
    for s in STRATEGIES:
        np.save(at / f"{s}.npy", np.array([accuracy(s, r) for r in REPETITIONS]))
    return str(at / "*.npy")


@shape("records with lists", note="labels are n_labeled; repetition is seed; score is test_acc")
def _record_lists(at: Path) -> Path:
    return text(at / "results.json", json.dumps(_histories_of_runs()))


def _histories_of_runs() -> list[dict[str, Any]]:
    return [
        {"strategy": s, "seed": r, "n_labeled": LABELS.tolist(), "test_acc": [*accuracy(s, r)]}
        for s in STRATEGIES
        for r in REPETITIONS
    ]


@shape("JSON lines with lists, settings in them", note="score is test_acc")
def _line_lists(at: Path) -> Path:
    runs = [
        {"config": {"strategy": run.pop("strategy"), "seed": run.pop("seed")}, **run}
        for run in _histories_of_runs()
    ]
    return text(at / "runs.jsonl", "\n".join(map(json.dumps, runs)))


@shape(
    "settings above records, a file for each run", note="labels are n_labeled; score is test_acc"
)
def _with_config(at: Path) -> Path:
    for i, run in enumerate(_histories_of_runs()):
        told = {
            "args": {"al": {"strategy": run.pop("strategy")}, "seed": run.pop("seed"), "lr": 0.1}
        }
        text(
            at / f"exp_{i}.json",
            json.dumps({**told, "history": pd.DataFrame(run).to_dict("records")}),
        )
    return at


@shape("settings above arrays", note="accuracy 3 runs x 6 episodes")
def _config_arrays(at: Path) -> Path:
    for i, s in enumerate(STRATEGIES):
        told = {"config": {"strategy": s, "seed": 7}, "labels": LABELS.tolist()}
        runs = {"accuracy": [[*accuracy(s, r)] for r in REPETITIONS]}
        text(at / f"exp_{i}.json", json.dumps(told | runs))
    return at


@shape("settings above several runs", note="repetition by the names of its parts")
def _config_runs(at: Path) -> Path:
    for i, s in enumerate(STRATEGIES):
        told = {"config": {"strategy": s, "seed": 7}, "results": _histories(at)[s]}
        text(at / f"exp_{i}.json", json.dumps(told))
    return at


@shape("settings that differ", refused="settings differ (config/seed 1, model/seed 7): keep one")
def _two_seeds(at: Path) -> Path:
    told = {"config": {"strategy": "margin", "seed": 1}, "model": {"seed": 7}}
    return text(at / "exp.json", json.dumps({**told, **_histories(at)["margin"]["seed_1"]}))


def _by_labels(at: Path, repetitions: Iterable[int]) -> Path:
    runs = {s: np.transpose([accuracy(s, r) for r in repetitions]) for s in STRATEGIES}
    lists = {
        s: {str(n): [*row] for n, row in zip(LABELS, rows, strict=True)} for s, rows in runs.items()
    }
    return text(at / "runs.json", json.dumps(lists))


@shape("accuracies of all seeds by labels", note="from the columns 20 ... 120, and 3 repetitions")
def _seeds_by_labels(at: Path) -> Path:
    return _by_labels(at, REPETITIONS)


@shape("accuracies of four seeds by labels", refused="20 ... 120 may be labels, then choose --lay")
def _more_by_labels(at: Path) -> Path:
    return _by_labels(at, (1, 2, 3, 5))


@shape("the same, said to be labels", options={"layout": "across", "max_repetitions": 3})
def _said_by_labels(at: Path) -> Path:
    return _by_labels(at, (1, 2, 3, 5))


@shape(
    "JSON by labels and run, as pandas writes it", note="the column without a name counts labels"
)
def _index_by_labels(at: Path) -> Path:
    return text(at / "runs.json", wide().set_index("labels").to_json(orient="index"))


@shape("a dict by strategy and seed", options={"batch": 20})
def _by_pair(_: Path) -> dict[Any, Any]:
    return {(s, r): accuracy(s, r) for s in STRATEGIES for r in REPETITIONS}


@shape("JSON of a pivot, as pandas writes it", note="the column without a name counts labels")
def _pivot(at: Path) -> Path:
    frame = tidy().pivot_table("accuracy", "labels", ["strategy", "repetition"])
    return text(at / "runs.json", frame.to_json())


@shape("lists of lists by strategy, labels once", note="3 repetitions from the columns 1, 2, 3")
def _nested(at: Path) -> Path:
    results = {s: {str(r): [*accuracy(s, r)] for r in REPETITIONS} for s in STRATEGIES}
    document = {"config": {"lr": 0.1}, "labels": LABELS.tolist(), "results": results}
    return text(at / "results.json", json.dumps(document))


@shape("a log of rounds for each run", note="labels are Training Points; repetition is seed")
def _rounds_log(at: Path) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            rounds = {
                str(i): {"Training Points": int(n), "Test Accuracy": 100 * a}
                for i, (n, a) in enumerate(zip(LABELS, accuracy(s, r), strict=True))
            }
            run = {"strategy": s, "seed": r, "dataset": "CIFAR10", "results": rounds}
            text(at / f"{s}_{r}.json", json.dumps(run))
    return at


@shape("a list of lists", options={"batch": 20}, same=False, note="accuracy 3 runs x 6 episodes")
def _list(at: Path) -> Path:
    return text(at / "margin.json", json.dumps([[*accuracy("margin", r)] for r in REPETITIONS]))


@shape("a history with its strategy", same=False, note="positions in lists count episodes")
def _performance(at: Path) -> Path:
    history = {"performance_history": [*accuracy("margin", 1)], "query_strategy": "margin"}
    return text(at / "log.json", json.dumps(history))


@shape("comments above the header")
def _comments(at: Path) -> Path:
    path = saved(tidy(), at / "runs.csv")
    return text(path, "# experiment 7, of May\n# lr 0.1\n" + path.read_text(encoding="utf-8"))


@shape("blanks between columns")
def _blanks(at: Path) -> Path:
    return text(at / "runs.txt", tidy().to_string(index=False))


@shape("np.savetxt with names of columns", note="strategy, repetition by the names of files")
def _savetxt(at: Path) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            rows = np.column_stack([LABELS, accuracy(s, r)])
            np.savetxt(at / f"{s}_{r}.txt", rows, header="labels accuracy")
    return at


@shape("np.savetxt without names of columns", note="the first column, without a name, counts")
def _savetxt_bare(at: Path) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            np.savetxt(at / f"{s}_{r}.txt", np.column_stack([LABELS, accuracy(s, r)]))
    return at


@shape("np.savetxt of runs x episodes", same=False, note="accuracy 3 runs x 6 episodes")
def _savetxt_runs(at: Path) -> Path:
    np.savetxt(at / "margin.csv", [accuracy("margin", r) for r in (1, 2, 3)], delimiter=",")
    return at / "margin.csv"


@shape(".npy, a file for each run", options={"batch": 20}, note="strategy, repetition by the names")
def _npy_runs(at: Path) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            np.save(at / f"{s}_{r}.npy", accuracy(s, r))
    return at


@shape("Excel's Unicode text")
def _unicode(at: Path) -> Path:
    return saved(tidy(), at / "runs.txt", sep="\t", encoding="utf-16")


@shape("another encoding", refused="line 2 is not in UTF-8")
def _latin(at: Path) -> Path:
    return saved(tidy().assign(note="übrig"), at / "runs.csv", encoding="latin-1")


@shape("a pickle", refused="pickled Python objects, which can run code")
def _pickle(at: Path) -> Path:
    (at / "results.pkl").write_bytes(pickle.dumps(_histories(at)))
    return at


@shape("a pickle in .npy", refused="pickled Python objects, which can run code")
def _pickled_array(at: Path) -> Path:
    np.save(at / "results.npy", np.array(_histories(at)), allow_pickle=True)
    return at / "results.npy"


@shape("Excel, damaged or without its package", refused="runs.xlsx ")
def _excel(at: Path) -> Path:
    with zipfile.ZipFile(at / "runs.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "")
    return at / "runs.xlsx"


# --- wide tables


@shape("a column for each repetition", same=False, note="3 repetitions from the columns seed_1, ")
def _repetitions(at: Path) -> Path:
    return saved(wide("margin", "seed_{r}"), at / "margin.csv")


@shape("the same with a column of strategies", note="3 repetitions from the columns acc_1, ")
def _both(at: Path) -> Path:
    frames = [wide(s, "acc_{r}").assign(method=s) for s in STRATEGIES]
    return saved(pd.concat(frames), at / "runs.csv")


@shape("a column for each strategy", note="2 strategies from the columns margin, random")
def _strategies(at: Path) -> Path:
    frames = [
        pd.DataFrame({"seed": r, "train_size": LABELS, **{s: accuracy(s, r) for s in STRATEGIES}})
        for r in REPETITIONS
    ]
    return saved(pd.concat(frames), at / "runs.csv")


@shape("a column for each run", note="2 strategies and 3 repetitions from the columns margin_1")
def _runs(at: Path) -> Path:
    return saved(wide(), at / "runs.csv")


@shape("columns called margin_r1", note="2 strategies and 3 repetitions from the columns margin_r1")
def _columns_r(at: Path) -> Path:
    return saved(wide(names="{s}_r{r}"), at / "runs.csv")


@shape("columns called 1_margin", note="2 strategies and 3 repetitions from the columns 1_margin")
def _columns_begun(at: Path) -> Path:
    return saved(wide(names="{r}_{s}"), at / "runs.csv")


@shape("a frame with a column for each run", options={"pattern": "{repetition}:{strategy}"})
def _frame(_: Path) -> pd.DataFrame:
    return wide(names="{r}:{s}").set_index("labels")


@shape("a column for each budget", note="6 budgets from the columns 20 ... 120")
def _budgets(at: Path) -> Path:
    return saved(_across("{n}"), at / "runs.csv")


def _across(names: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"method": s, "seed": r}
            | {names.format(n=n): a for n, a in zip(LABELS, accuracy(s, r), strict=True)}
            for s in STRATEGIES
            for r in REPETITIONS
        ]
    )


@shape("the same as acc@20", note="6 budgets from the columns acc@20 ... acc@120")
def _budgets_named(at: Path) -> Path:
    return saved(_across("acc@{n}"), at / "runs.csv")


@shape("a column for each round", options={"batch": 20}, note="6 episodes from the columns round_1")
def _rounds_across(at: Path) -> Path:
    frame = _across("{n}")
    names = {str(n): f"round_{i + 1}" for i, n in enumerate(LABELS)}
    return saved(frame.rename(columns=names), at / "runs.csv")


@shape("a column for each share", options={"pool": 200}, note="6 shares of the pool from")
def _shares_across(at: Path) -> Path:
    frame = _across("{n}")
    return saved(frame.rename(columns={str(n): f"{n // 2}%" for n in LABELS}), at / "runs.csv")


@shape(
    "the same, the pool unsaid", refused="labels are shares of the pool, up to 0.12: give its size"
)
@shape("a column for each share in fractions", options={"pool": 1000}, note="are shares of a pool")
def _fractions_across(at: Path) -> Path:
    frame = _across("{n}")
    return saved(frame.rename(columns={str(n): f"{n / 1000}" for n in LABELS}), at / "runs.csv")


@shape("columns of budgets in the order of text", note="6 budgets from the columns 20 ... 120")
def _budgets_as_text(at: Path) -> Path:
    frame = renamed(labels="n").astype({"n": str})
    return saved(
        frame.pivot_table("accuracy", ["strategy", "repetition"], "n"), at / "a.csv", index=True
    )


@shape("a column for each N=20", note="6 budgets from the columns N=20 ... N=120; auc left out")
def _budgets_equal(at: Path) -> Path:
    return saved(_across("N={n}").assign(auc=0.7), at / "runs.csv")


@shape(
    "one of the measures for each budget", options={"columns": {"accuracy": "acc"}},
    note="6 budgets from the columns acc_20 ... acc_120; f1_20, f1_40, f1_60, f1_80, f1_100",
)  # fmt: skip
@shape(
    "two measures for each budget", refused="choose one by --column accuracy=acc or --column accu"
)
def _measures_across(at: Path) -> Path:
    frame = _across("acc_{n}")
    other = frame.filter(like="acc_").rename(columns=lambda name: name.replace("acc", "f1")) - 0.1
    return saved(pd.concat([frame, other], axis=1), at / "runs.csv")


@shape(
    "error rates for each budget", options={"lower_is_better": True},
    note="6 budgets from the columns test_error_20 ... test_error_120",
)  # fmt: skip
def _errors_across(at: Path) -> Path:
    return _errors_unsaid_across(at)


@shape("the same without saying that lower is better", refused="read with --lower-is-better")
def _errors_unsaid_across(at: Path) -> Path:
    frame = _across("test_error_{n}").set_index(["method", "seed"])
    return saved((1 - frame).reset_index(), at / "runs.csv")


@shape(
    "error rates for each budget beside accuracies", options={"lower_is_better": True},
    note="6 budgets from the columns 20_error ... 120_error; acc_20, acc_40, acc_60",
)  # fmt: skip
def _errors_beside_across(at: Path) -> Path:
    frame = _across("acc_{n}").set_index(["method", "seed"])
    errors = (1 - frame).rename(columns=lambda name: name.removeprefix("acc_") + "_error")
    return saved(pd.concat([frame, errors], axis=1).reset_index(), at / "runs.csv")


@shape(
    "means of errors for each budget", options={"lower_is_better": True, **OF_THREE}, same=False,
    note="error_120; in error_20_std, error_40_std, error_60_std, error_80_std, error_100_std",
)  # fmt: skip
def _errors_means_across(at: Path) -> Path:
    frame = _means_across("error_{}", "error_{}_std")
    frame[[f"error_{n}" for n in LABELS]] *= -1
    frame[[f"error_{n}" for n in LABELS]] += 1
    return saved(frame, at / "runs.csv")


def _means_across(names: str, spread: str, **more: Any) -> pd.DataFrame:
    mean = tidy().groupby(["strategy", "labels"])["accuracy"].mean().unstack()
    deviations = mean.mul(0).add(0.01).rename(columns=spread.format)
    return mean.rename(columns=names.format).join(deviations).assign(**more).reset_index()


@shape(
    "the same, of unknown noise", options={"spread": "none"}, same=False,
    note="acc@20 ... acc@120; acc@20_std, acc@40_std, acc@60_std, acc@80_std, acc@100_std",
)  # fmt: skip
@shape(
    "the same, said of how many repetitions", options=OF_THREE, same=False,
    note="acc@120; in acc@20_std, acc@40_std, acc@60_std, acc@80_std, acc@100_std, acc@120_std are",
)  # fmt: skip
@shape("means for each budget, deviations beside", refused=ASKED)
def _deviations_unsaid(at: Path) -> Path:
    return saved(_means_across("acc@{}", "acc@{}_std"), at / "runs.csv")


@shape("means for each budget, how many in a column", same=False, note="of means of 3 repetitions")
def _deviations_counted(at: Path) -> Path:
    return saved(_means_across("acc_{}", "std_{}", n_seeds=3), at / "runs.csv")


@shape("columns mean_20 and sem_20", same=False, note="sem_120 are standard errors of means")
def _errors_across(at: Path) -> Path:
    return saved(_means_across("mean_{}", "sem_{}"), at / "runs.csv")


@shape(
    "columns 20 and 20 (std)", options=OF_THREE, same=False, note="in 20 (std), 40 (std), 60 (std)"
)
def _deviations_in_brackets(at: Path) -> Path:
    return saved(_means_across("{}", "{} (std)"), at / "runs.csv")


@shape(
    "means for each budget, bounds beside", refused="as one repetition all the same: --spread none"
)
def _bounds_across(at: Path) -> Path:
    return saved(_means_across("acc@{}", "acc@{}_lower"), at / "runs.csv")


@shape(
    "header rows of budgets above means", options=OF_THREE, same=False,
    note="6 budgets from the columns 20 / mean ... 120 / mean; in 20 / std, 40 / std, 60 / std, 80",
)  # fmt: skip
def _means_below_budgets(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"])["accuracy"].agg(["mean", "std"]).unstack()
    return saved(frame.swaplevel(axis=1).sort_index(axis=1), at / "runs.csv", index=True)


@shape("two header rows, as pandas writes them", note="2 strategies and 3 repetitions from")
def _pandas_headers(at: Path) -> Path:
    frame = tidy().pivot_table("accuracy", "labels", ["strategy", "repetition"])
    return saved(frame, at / "runs.csv", index=True)


@shape("two header rows, cells merged", note="2 strategies and 3 repetitions from")
def _merged(at: Path) -> Path:
    rows = [
        ["", "margin", "", "", "random", "", ""],
        ["labels", *[f"seed {r}" for r in (1, 2, 3)] * 2],
    ]
    rows += wide().astype(object).to_numpy().tolist()
    return text(at / "runs.csv", "\n".join(",".join(map(str, row)) for row in rows))


@shape("a frame with two levels of columns", note="2 strategies and 3 repetitions from")
def _levels(_: Path) -> pd.DataFrame:
    return tidy().pivot_table("accuracy", "labels", ["strategy", "repetition"])


@shape("one of the measures above", options={"columns": {"accuracy": "accuracy"}})
@shape("measures above strategies", refused="choose one by --column accuracy=accuracy or --column ")
def _measures_above(_: Path) -> pd.DataFrame:
    frame = tidy().assign(f1=0.3)
    return frame.pivot_table(["accuracy", "f1"], "labels", ["strategy", "repetition"])


@shape(
    "means below strategies, said of how many", options=OF_THREE, same=False,
    note="in margin / std, random / std are standard deviations of means of 3 repetitions",
)  # fmt: skip
@shape("means below strategies", refused=ASKED)
def _under_strategies(at: Path) -> Path:
    rows = [",margin,,random,", "labels,mean,std,mean,std"]
    runs = zip(LABELS, accuracy("margin", 2), accuracy("random", 2), strict=True)
    rows += [f"{n},{one},0.01,{other},0.01" for n, one, other in runs]
    return text(at / "runs.csv", "\n".join(rows))


@shape(
    "three header rows, as pandas writes means", same=False, note="score is accuracy / mean; in ac"
)
def _agg(at: Path) -> Path:
    of = tidy().groupby(["strategy", "labels"]).agg({"accuracy": ["mean", "std", "count"]})
    return saved(of, at / "runs.csv", index=True)


@shape(
    "measures below strategies, levels named", refused="choose one by --column accuracy=accuracy"
)
def _measures_below(at: Path) -> Path:
    frame = tidy().assign(f1=0.3).query("repetition == 1").rename_axis(columns="measure")
    frame = frame.pivot(index="labels", columns="strategy", values=["accuracy", "f1"])
    return saved(frame.swaplevel(axis=1), at / "runs.csv", index=True)


@shape("an index column beside")
def _index(at: Path) -> Path:
    return saved(tidy(), at / "runs.csv", index=True)


@shape("two measures side by side", refused="Acc@1, Acc@5 may be several measures: choose by --col")
def _at_one(at: Path) -> Path:
    frame = renamed(accuracy="Acc@1").drop(columns="repetition").groupby(["strategy", "labels"])
    frame = frame.mean().reset_index()
    return saved(frame.assign(**{"Acc@5": frame["Acc@1"] + 0.1}), at / "runs.csv")


@shape("accuracies of training and of test", refused="--column accuracy=acc_test or --column")
def _train(at: Path) -> Path:
    frame = wide("margin").iloc[:, :2].set_axis(["labels", "acc_test"], axis=1)
    return saved(frame.assign(acc_train=frame["acc_test"] + 0.1), at / "margin.csv")


@shape("two measures of each repetition", refused="--pattern 'acc_{repetition}' or --pattern 'f1_")
def _acc_and_f1(at: Path) -> Path:
    other = wide("margin", "f1_{r}").drop(columns="labels") - 0.1
    return saved(pd.concat([wide("margin", "acc_{r}"), other], axis=1), at / "margin.csv")


@shape(
    "one measure of each strategy, by a pattern",
    options={"pattern": "{strategy}_acc"},
    note="2 strategies from the columns margin_acc, random_acc; margin_f1, random_f1 left out",
)
@shape("two measures of each strategy", refused="choose by --pattern '{strategy}_acc' or --patt")
def _two_of_each(at: Path) -> Path:
    frame = tidy().pivot(index=["repetition", "labels"], columns="strategy", values="accuracy")
    other = (frame - 0.1).add_suffix("_f1")
    return saved(pd.concat([frame.add_suffix("_acc"), other], axis=1), at / "a.csv", index=True)


@shape("bounds beside strategies", refused="spread (margin, random, margin_lo, margin_hi,")
def _bounded(at: Path, low: str = "lo", high: str = "hi") -> Path:
    frame = pd.DataFrame({"labels": LABELS, **{s: accuracy(s, 2) for s in STRATEGIES}})
    for s in STRATEGIES:
        frame = frame.assign(**{f"{s}_{low}": frame[s] - 0.02, f"{s}_{high}": frame[s] + 0.02})
    return saved(frame, at / "runs.csv")


@shape("quantiles beside strategies", refused="spread (margin, random, margin_q25, margin_q75,")
def _quantiles_beside(at: Path) -> Path:
    return _bounded(at, "q25", "q75")


@shape("columns named after others", refused="margin_ssl may be a strategy, or a bound of margin")
def _named_after(at: Path) -> Path:
    names = ("margin", "random")
    runs = {
        f"{name}{end}": accuracy(name, r) for name in names for end, r in (("", 1), ("_ssl", 2))
    }
    return saved(pd.DataFrame({"labels": LABELS, **runs}), at / "runs.csv")


@shape("means of several seeds", refused="spread (accuracy, acc_min, acc_max, n_seeds)")
def _of_seeds(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    bounds = {"acc_min": frame["accuracy"] - 0.1, "acc_max": frame["accuracy"] + 0.1}
    return saved(frame.assign(**bounds, n_seeds=3), at / "runs.csv")


@shape(
    "shares called otherwise, chosen",
    options={"columns": {"labels": "portion"}, "pool": 1000},
    note="labels are portion; 2 strategies from the columns margin, random",
)
def _fractions(at: Path) -> Path:
    frame = tidy().pivot(index=["labels", "repetition"], columns="strategy", values="accuracy")
    frame = frame.reset_index()
    return saved(frame.assign(portion=frame.pop("labels") / 1000), at / "runs.csv")


@shape("shares called otherwise, one run", refused="no column for episode or labels: found portion")
def _portions(at: Path) -> Path:
    frame = pd.DataFrame({"portion": LABELS / 1000, **{s: accuracy(s, 1) for s in STRATEGIES}})
    return saved(frame, at / "runs.csv")


# --- trackers


@shape("Weights & Biases", note="score is test/acc; Step counts labels")
def _wandb(at: Path) -> Path:
    columns: dict[str, Any] = {"Step": LABELS}
    for s in STRATEGIES:
        for r in REPETITIONS:
            name = f"{s}_seed{r} - test/acc"
            columns |= {name: accuracy(s, r)}
            columns |= {f"{name}__{end}": accuracy(s, r) for end in ("MIN", "MAX")}
    return saved(pd.DataFrame(columns), at / "wandb_export.csv")


def _board(at: Path, tag: str, *, turned: bool = False) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            frame = pd.DataFrame({"Wall time": 1.7e9 + LABELS, "Step": LABELS})
            value = 1 - accuracy(s, r) if turned else accuracy(s, r)
            saved(frame.assign(Value=value), at / f"run-{s}_{r}-tag-{tag}.csv")
    return at


def stepped(steps: Iterable[int]) -> pd.DataFrame:
    """Return an export of Weights & Biases with these steps."""
    runs = wide(names="{s}_seed{r} - test/acc").drop(columns="labels")
    return runs.set_axis(pd.Index(steps, name="Step")).reset_index()


@shape("labels beside accuracies in Weights & Biases", note="labels of each run: n_labeled")
def _wandb_labels(at: Path) -> Path:
    frame = stepped(range(6))
    runs = [name.removesuffix(" - test/acc") for name in frame.columns[1:]]
    return saved(frame.assign(**{f"{run} - n_labeled": LABELS for run in runs}), at / "export.csv")


@shape(
    "labels of another name beside them",
    options={"columns": {"labels": "n_queried"}},
    note="labels of each run: n_queried",
)
def _wandb_queried(at: Path) -> Path:
    frame = pd.read_csv(_wandb_labels(at))
    return saved(
        frame.rename(columns=lambda name: name.replace("labeled", "queried")), at / "a.csv"
    )


@shape(
    "the same, said to be episodes",
    options={"columns": {"episode": "Step"}, "batch": 20},
    note="episodes are the order within each run",
)
@shape(
    "one step of Weights & Biases for all runs",
    refused="Step is another one in every run, so that it may count labels or steps of training",
)
def _one_counter(at: Path) -> Path:
    frame = stepped(range(6)).drop(columns="Step")
    rows = [frame[[name]].iloc[[i]] for i in range(6) for name in frame]
    return saved(pd.concat(rows, ignore_index=True).rename_axis("Step").reset_index(), at / "a.csv")


@shape(
    "batches of training in Weights & Biases",
    refused="Step counts 0, 391, 782 ..., so that it may count labels or steps of training: choose",
)
def _batches(at: Path) -> Path:
    return saved(stepped(range(0, 6 * 391, 391)), at / "export.csv")


@shape(
    "epochs from 0", refused="Step counts 9, 19, 29 ..., so that it may count labels or steps of"
)
def _epochs(at: Path) -> Path:
    return saved(stepped(range(9, 69, 10)), at / "export.csv")


@shape(
    "batches of training, said to be episodes",
    options={"columns": {"episode": "Step"}, "batch": 20},
    note="episodes are the order of Step",
)
def _batches_said(at: Path) -> Path:
    return saved(stepped([0, 90, 300, 600, 1000, 1500]), at / "export.csv")


@shape("TensorBoard, a file for each run", note="a TensorBoard export: score is test_acc")
def _tensorboard(at: Path) -> Path:
    return _board(at, "test_acc")


@shape(
    "a loss in TensorBoard", refused="test_total_loss is an error: read it with --lower-is-better"
)
def _board_loss(at: Path) -> Path:
    return _board(at, "test_total_loss", turned=True)


@shape("the same, said to be", options={"lower_is_better": True}, note="score is test_total_loss")
def _board_lower(at: Path) -> Path:
    return _board(at, "test_total_loss", turned=True)


@shape(
    "groups of Weights & Biases",
    same=False,
    note="score is test/acc; each is a mean over the runs of a group, read as one repetition of",
)
def _groups(at: Path) -> Path:
    frame = wide(names="{s} {r}").set_index("labels").rename_axis("Step")
    groups = frame.T.groupby(frame.columns.str.split().str[0])
    tables = {"": groups.mean(), "__MIN": groups.min(), "__MAX": groups.max()}
    columns = [table.T.add_suffix(f" - test/acc{end}") for end, table in tables.items()]
    return saved(pd.concat(columns, axis=1), at / "wandb_export.csv", index=True)


@shape("an id beside the seed of each run", note="repetition is config.seed; score is test/acc")
def _id_and_seed(at: Path) -> Path:
    names = {"strategy": "config.strategy", "repetition": "config.seed", "accuracy": "test/acc"}
    frame = renamed(**names)
    ids = frame["config.strategy"].str[:2] + "3f" + frame["config.seed"].astype(str)
    return saved(frame.assign(run_id=ids), at / "history.csv")


@shape("MLflow's search_runs, a run each round", note="repetition is params.seed; score is metrics")
def _search_runs(at: Path) -> Path:
    names = {"strategy": "params.strategy", "repetition": "params.seed"}
    frame = renamed(**names, labels="metrics.n_labeled", accuracy="metrics.test_acc")
    return saved(frame.assign(run_id=[f"a{i}" for i in frame.index]), at / "runs.csv")


@shape("metrics with dashes in Weights & Biases", note="score is eval/f1-macro; Step counts labels")
def _dashes(at: Path) -> Path:
    frame = wide(names="{s} - seed {r} - eval/f1-macro").rename(columns={"labels": "Step"})
    return saved(frame, at / "wandb_export.csv")


@shape("several metrics, a row each", note="score is accuracy")
def _values(at: Path) -> Path:
    frame = tidy().rename(columns={"accuracy": "value"}).assign(metric="accuracy")
    other = frame.assign(value=frame["value"] - 0.1, metric="f1")
    return saved(pd.concat([frame, other]), at / "runs.csv")


@shape(
    "metrics of MLflow",
    options={"columns": {"strategy": "run_id"}, "pattern": "{strategy}_{repetition}"},
    note="score is test_acc; strategy, repetition by the pattern",
)
@shape("the same without saying what run_id is", refused="--column strategy=run_id, with --pattern")
def _mlflow_unsaid(at: Path) -> Path:
    frame = tidy()
    runs = frame["strategy"] + "_" + frame["repetition"].astype(str)
    rows = pd.DataFrame(
        {"run_id": runs, "key": "test_acc", "value": frame["accuracy"], "step": frame["labels"]}
    )
    losses = rows.assign(key="train_loss", value=9.0)
    return saved(pd.concat([rows, losses]), at / "metrics.csv")


@shape(
    "MLflow's folder of runs",
    note="6 runs of MLflow; strategy is params.strategy; repetition is params.seed; "
    "score is metrics.test_acc; step counts labels",
)
def mlruns(
    at: Path,
    said: str = "params",
    name: str = "{s}_{r}",
    steps: Iterable[int] = LABELS,
    more: dict[str, Any] | None = None,
    runs: Iterable[tuple[str, int]] = tuple((s, r) for s in STRATEGIES for r in REPETITIONS),
) -> Path:
    """Write runs as MLflow's file store has them, with strategy and seed in `said`."""
    base = at / "mlruns" / "412"
    text(base / "meta.yaml", "experiment_id: '412'\nlifecycle_stage: active\nname: digits\n")
    for number, (s, r) in enumerate(runs):
        run = base / f"{number:02d}c4e1"
        text(run / "meta.yaml", f"lifecycle_stage: active\nrun_id: {run.name}\n")
        text(run / "tags" / "mlflow.runName", name.format(s=s, r=r))
        text(run / "tags" / "mlflow.source.name", "train.py")
        text(run / "params" / "lr", "0.1")
        (run / "artifacts").mkdir()
        if said:
            text(run / said / "strategy", s)
            text(run / said / "seed", str(r))
        metrics = {"test_acc": accuracy(s, r), "train/loss": accuracy(s, r) / 2} | (more or {})
        for metric, values in metrics.items():
            if isinstance(values, str):
                text(run / "params" / metric, values)
                continue
            lines = (
                f"17000{i} {v} {n}\n" for i, (v, n) in enumerate(zip(values, steps, strict=True))
            )
            text(run / "metrics" / metric, "".join(lines))
    return at / "mlruns"


@shape(
    "an experiment of MLflow, rounds in steps and labels in a metric",
    note="labels are metrics.n_labeled",
)
def _mlruns_rounds(at: Path) -> Path:
    return mlruns(at, steps=range(6), more={"n_labeled": LABELS, "budget": "120"}) / "412"


@shape(
    "MLflow's runs without steps, strategy and seed in tags",
    note="strategy is tags.strategy; labels are metrics.n_labeled; repetition is tags.seed",
)
def _mlruns_tags(at: Path) -> str:
    mlruns(at, said="tags", steps=6 * [0], more={"n_labeled": LABELS})
    return str(at / "mlruns" / "412" / "*c4e1")


@shape(
    "the same, of which nothing counts labels",
    options={"batch": 20},
    note="score is metrics.test_acc; step counts episodes",
)
def _mlruns_unsaid_steps(at: Path) -> Path:
    return mlruns(at, steps=6 * [0], more={"budget": "120"})


@shape(
    "MLflow's runs, told by their names",
    options={"pattern": "{strategy}-s{repetition}"},
    note="strategy, repetition by the pattern {strategy}-s{repetition}",
)
def _mlruns_names(at: Path) -> Path:
    return mlruns(at, said="", name="{s}-s{r}")


@shape("the same without the pattern", refused="no column for strategy: found run_id, run_name")
def _mlruns_names_unsaid(at: Path) -> Path:
    return mlruns(at, said="", name="{s}-s{r}")


@shape("a run of MLflow for each round, labels in a param", note="labels are params.n_labeled")
def _mlruns_rounds_apart(at: Path) -> Path:
    base = at / "mlruns" / "0"
    for i, row in enumerate(tidy().itertuples()):
        run = base / f"{i:03d}"
        text(run / "meta.yaml", f"run_uuid: {run.name}\n")
        for name in ("strategy", "labels", "repetition"):
            called = {"labels": "n_labeled", "repetition": "seed"}.get(name, name)
            text(run / "params" / called, str(getattr(row, name)))
        text(run / "metrics" / "test_acc", f"1700 {row.accuracy} 0\n")
    return at / "mlruns"


@shape(
    "runs of MLflow with two measures",
    refused="columns metrics.test_acc, metrics.val_acc all stand for accuracy: keep one, or choose "
    "by --column accuracy=metrics.test_acc or --column accuracy=metrics.val_acc",
)
def _mlruns_measures(at: Path) -> Path:
    return mlruns(at, more={"val_acc": accuracy("random", 1)})


@shape(
    "the same, one of them chosen",
    options={"columns": {"accuracy": "metrics.test_acc"}},
    note="score is metrics.test_acc",
)
def _mlruns_measure(at: Path) -> Path:
    return mlruns(at, more={"val_acc": accuracy("random", 1)})


@shape(
    "the same, of which one is chosen",
    options={"columns": {"dataset": "experiment"}, "dataset": "digits"},
    same=False,  # the last run is the other's
    note="dataset is experiment",
)
@shape(
    "two experiments of MLflow", refused="runs of 2 experiments (digits, other): say what they are"
)
def _mlruns_experiments(at: Path) -> Path:
    base = mlruns(at)
    text(base / "5" / "meta.yaml", "experiment_id: '5'\nname: other\n")
    (base / "412" / "05c4e1").rename(base / "5" / "05c4e1")
    return base


@shape("deleted runs of MLflow", note="6 runs of MLflow; 1 deleted left out")
def _mlruns_deleted(at: Path) -> Path:
    base = mlruns(at, runs=[(s, r) for s in STRATEGIES for r in (1, 2, 3)] + [("random", 3)])
    text(base / "412" / "06c4e1" / "meta.yaml", "lifecycle_stage: deleted\nrun_id: 06c4e1\n")
    (base / ".trash" / "7" / "x" / "metrics").mkdir(parents=True)
    text(base / ".trash" / "7" / "x" / "meta.yaml", "run_id: x\n")
    return base


@shape("a damaged metric of MLflow", refused="test_acc: line 2 is 'half', expected are its time")
def _mlruns_damaged(at: Path) -> Path:
    base = mlruns(at)
    text(base / "412" / "00c4e1" / "metrics" / "test_acc", "1700 0.5 20\nhalf\n")
    return base


@shape("MLflow's runs beside a table", refused="holds no runs of MLflow, as others do")
def _mlruns_beside(at: Path) -> list[Path]:
    return [mlruns(at), saved(tidy(), at / "runs.csv")]


@shape(
    "MLflow's database",
    note="6 runs of MLflow; strategy is params.strategy; repetition is params.seed; "
    "score is metrics.test_acc; step counts labels",
)
def mlflow_database(at: Path, deleted: int = 0, experiment: str = "digits") -> Path:
    """Write runs as MLflow's database has them: the tables and columns that are read.

    The last of them, `deleted`, are deleted; the last has an experiment of its own.
    """
    path = at / "mlflow.db"
    runs = [(s, r) for s in STRATEGIES for r in REPETITIONS] + deleted * [("random", 3)]
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
            CREATE TABLE runs (
                run_uuid TEXT, name TEXT, start_time BIGINT, lifecycle_stage TEXT,
                experiment_id INTEGER
            );
            CREATE TABLE params (key TEXT NOT NULL, value TEXT NOT NULL, run_uuid TEXT NOT NULL);
            CREATE TABLE tags (key TEXT NOT NULL, value TEXT, run_uuid TEXT NOT NULL);
            CREATE TABLE metrics (
                key TEXT NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
                run_uuid TEXT NOT NULL, step BIGINT DEFAULT '0' NOT NULL,
                is_nan BOOLEAN DEFAULT '0' NOT NULL
            );
            """
        )
        experiments = [(0, "Default"), (1, "digits"), (2, experiment)]
        database.executemany("INSERT INTO experiments VALUES (?, ?, 'active')", experiments)
        for number, (s, r) in enumerate(runs):
            run = f"{number:02d}c4e1"
            stage = "active" if number < 6 else "deleted"
            last = 1 + (number == len(runs) - 1)
            database.execute(
                "INSERT INTO runs VALUES (?, ?, 1700, ?, ?)", (run, f"{s}_{r}", stage, last)
            )
            said = [("strategy", s, run), ("seed", str(r), run), ("lr", "0.1", run)]
            database.executemany("INSERT INTO params VALUES (?, ?, ?)", said)
            source = ("mlflow.source.name", "train.py", run)
            database.execute("INSERT INTO tags VALUES (?, ?, ?)", source)
            for step, value in zip(LABELS.tolist(), accuracy(s, r).tolist(), strict=True):
                rows = [("test_acc", value, run, step, 0), ("train/loss", 0.0, run, step, 1)]
                database.executemany("INSERT INTO metrics VALUES (?, ?, 1700, ?, ?, ?)", rows)
        database.commit()
    return path


@shape("deleted runs of MLflow's database", note="6 runs of MLflow; 2 deleted left out")
def _mlflow_database_deleted(at: Path) -> Path:
    return mlflow_database(at, deleted=2)


@shape(
    "two experiments of MLflow's database, read as two tasks",
    options={"columns": {"dataset": "experiment"}},
    refused="choose one by dataset= (--dataset): digits, letters",
)
def _mlflow_database_experiments(at: Path) -> Path:
    return mlflow_database(at, experiment="letters")


@shape(
    "one of them",
    options={"columns": {"dataset": "experiment"}, "dataset": "digits"},
    same=False,
    note="dataset is experiment",
)
def _mlflow_database_experiment(at: Path) -> Path:
    return mlflow_database(at, experiment="letters")


@shape("a database of something else", refused="is not a database of MLflow: it has no table runs")
def _database(at: Path) -> Path:
    path = mlflow_database(at)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE runs")
    return path


@shape("Lightning's metrics.csv", note="36 rows at labels where no run was measured left out")
def _lightning(at: Path) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            steps = pd.DataFrame({"step": 10 * LABELS, "train_loss": 0.4})
            tests = {"step": 10 * LABELS + 9, "n_labeled": LABELS, "test_acc": accuracy(s, r)}
            frame = pd.concat([steps, pd.DataFrame(tests)]).sort_values("step")
            saved(frame, at / s / f"version_{r}" / "metrics.csv")
    return at


@shape(
    "a history of Weights & Biases, losses in other rows",
    note="36 rows without accuracy, beside rows with it, left out",
)
def _history_rows(at: Path) -> Path:
    tests = renamed(repetition="seed", labels="n_labeled", accuracy="test_acc")
    losses = tests.drop(columns="test_acc").assign(train_loss=0.4)
    frame = pd.concat([losses, tests]).rename_axis("_step").reset_index()
    return saved(frame.sort_values("_step"), at / "history.csv")


def called_variance() -> pd.DataFrame:
    """Return the curves with `margin` under the name of a query strategy that is also a spread."""
    return tidy().replace({"strategy": {"margin": "variance"}})


@shape("a strategy called variance", same=False, note="strategy is Method")
def _variance(at: Path) -> Path:
    return saved(called_variance().rename(columns={"strategy": "Method"}), at / "runs.csv")


@shape("the same below two header rows", same=False, note="2 strategies and 3 repetitions")
def _variance_headers(_: Path) -> pd.DataFrame:
    keys = ["strategy", "repetition"]
    return called_variance().pivot(index="labels", columns=keys, values="accuracy")


@shape("arrays of the same", same=False, note="variance 3 runs x 6 episodes")
def _variance_arrays(_: Path) -> dict[str, Any]:
    runs = {s: np.stack([accuracy(s, r) for r in REPETITIONS]) for s in STRATEGIES}
    return {"variance": runs["margin"], "random": runs["random"]}


@shape(
    "the same, said to be a strategy",
    options={"pattern": "{strategy}_{repetition}"},
    same=False,
    note="2 strategies and 3 repetitions from the columns variance_1 ... random_3",
)
@shape(
    "a column called variance",
    refused="strategies of these names are read by --pattern '{strategy}_{repetition}'",
)
def _variance_column(at: Path) -> Path:
    frame = wide().rename(columns=lambda name: name.replace("margin", "variance"))
    return saved(frame, at / "runs.csv")


@shape("accuracies beside their spread, by seed", refused="means and their spread (acc, std)")
def _spread_by_seed(_: Path) -> pd.DataFrame:
    frame = wide("margin", "{r}").set_index("labels")
    return pd.concat({"acc": frame, "std": frame / 50}, axis="columns")


@shape("percent beside what is left in the pool", note="pool_left left out")
def _pool_left(at: Path) -> Path:
    frame = wide()
    frame[list(frame)[1:]] *= 100
    return saved(frame.assign(pool_left=100 - frame["labels"] / 2), at / "runs.csv")


@shape("the same without labels", refused="pool_left seems to count what is left in the pool")
def _pool_left_alone(at: Path) -> Path:
    frame = wide().drop(columns="labels")
    return saved((100 * frame).assign(pool_left=90 - np.arange(6)), at / "runs.csv")


# --- many files


@shape("files by a glob", note="strategy, repetition by the names of files")
def _glob(at: Path) -> str:
    for (s, r), rows in tidy().groupby(["strategy", "repetition"]):
        saved(rows[["labels", "accuracy"]], at / f"{s}_{r}.csv")
    return str(at / "*.csv")


@shape("files by a pattern", options={"pattern": "seed{repetition}-{strategy}-final"})
def _pattern(at: Path) -> str:
    for (s, r), rows in tidy().groupby(["strategy", "repetition"]):
        saved(rows[["labels", "accuracy"]], at / f"seed{r}-{s}-final.csv")
    return str(at / "*.csv")


def _named(at: Path, names: str) -> Path:
    """Write a file for each run."""
    for (s, r), rows in tidy().groupby(["strategy", "repetition"]):
        saved(rows[["labels", "accuracy"]], at / names.format(s=s, r=r))
    return at


@shape("a file for each strategy in folders of seeds", note="strategy, repetition by the names")
def _seed_folders(at: Path) -> Path:
    return _named(at, "seed_{r}/{s}.csv")


@shape("a file for each seed in folders of strategies", note="strategy, repetition by the names")
def _seed_files(at: Path) -> Path:
    return _named(at, "{s}/{r}.csv")


@shape("arrays of labels and accuracies in folders of seeds", refused="several kinds of files")
def _seed_arrays(at: Path) -> Path:
    for r in REPETITIONS:
        (at / f"seed_{r}").mkdir()
        np.save(at / f"seed_{r}" / "queried.npy", LABELS / 2)
        np.save(at / f"seed_{r}" / "curve.npy", 100 * accuracy("margin", r))
    return at


@shape("numbered labels and accuracies in folders", refused="several kinds of files")
def _numbered_files(at: Path) -> Path:
    for s in STRATEGIES:
        for r in REPETITIONS:
            text(at / s / f"acc_{r}.csv", "0.5\n0.6\n0.7\n0.8\n")
            text(at / s / f"labels_{r}.csv", "0.1\n0.2\n0.3\n0.4\n")
    return at


@shape("logs beside results in folders of seeds", refused="*/*/log.csv'")
def _seed_logs(at: Path) -> Path:
    _named(at, "{s}/seed_{r}/results.csv")
    return _named(at, "{s}/seed_{r}/log.csv")


@shape("files with the learning rate after the seed", note="strategy, repetition by the names of")
def _rates(at: Path) -> Path:
    return _named(at, "{s}_seed{r}_lr0.01.csv")


@shape("files of a day, with more after the run", note="strategy, repetition by the names of")
def _final_run(at: Path) -> Path:
    return _named(at, "{s}_run{r}_2024-05-01_final.csv")


@shape("files called margin_s1", note="strategy, repetition by the names of files")
def _short_seed(at: Path) -> Path:
    return _named(at, "{s}_s{r}.csv")


@shape("files called margin_r1", note="strategy, repetition by the names of files")
def _files_r(at: Path) -> Path:
    return _named(at, "{s}_r{r}.csv")


@shape("files called 1_margin", note="strategy, repetition by the names of files")
def _files_begun(at: Path) -> Path:
    return _named(at, "{r}_{s}.csv")


@shape(
    "files called r1 in folders of strategies", note="strategy, repetition by the names of files"
)
def _files_in_folders_r(at: Path) -> Path:
    return _named(at, "{s}/r{r}.csv")


@shape("files of dates", refused="parts that differ (margin-2024-05-01, ")
def _dates(at: Path) -> Path:
    return _named(at, "{s}-2024-05-0{r}.csv")


@shape("files with ids after the seed", refused="by --pattern '{strategy}_seed{repetition}_*'")
def _ids(at: Path) -> Path:
    return _named(at, "{s}_seed{r}_{s[0]}7{r}.csv")


@shape(
    "the same by a pattern",
    options={"pattern": "{dataset}/{strategy}/seed_{repetition}/*", "dataset": "svhn"},
    note="dataset, strategy, repetition by the pattern",
)
@shape(
    "folders of data sets and strategies", refused="by --pattern '{dataset}/{strategy}/seed_{rep"
)
def _tree(at: Path) -> str:
    for dataset in ("cifar10", "svhn"):
        _named(at / dataset, "{s}/seed_{r}/results.csv")
    return str(at / "*" / "*" / "*" / "*.csv")


@shape("jobs of Hydra, which tell no strategy", refused="the name tells no strategy")
def _jobs(at: Path) -> Path:
    for job, ((_, _), rows) in enumerate(tidy().groupby(["strategy", "repetition"])):
        saved(rows[["labels", "accuracy"]], at / "2024-05-01" / "12-00-00" / f"{job}" / "a.csv")
    return at


@shape("files of each seed", note="repetition by the names of files")
def _seeds(at: Path) -> Path:
    for r, rows in tidy().groupby("repetition"):
        saved(rows.drop(columns="repetition"), at / f"seed_{r}.csv")
    return at


@shape(
    "one strategy that nothing names", same=False,
    note="one strategy without a name, called strategy",
)  # fmt: skip
def _unnamed(at: Path) -> Path:
    return saved(wide("margin", "seed_{r}"), at / "results.csv")


@shape("folders of runs", note="strategy, repetition by the names of files")
def _folders(at: Path) -> Path:
    for (s, r), rows in tidy().groupby(["strategy", "repetition"]):
        saved(rows[["labels", "accuracy"]], at / str(s) / f"run_{r}" / "metrics.csv")
    return at


def results(at: Path, write: Callable[[pd.DataFrame, Path], Any]) -> Path:
    """Write result folders: a row for each label, of which every 20th was measured."""
    for s in STRATEGIES:
        for r in REPETITIONS:
            rows = np.full(LABELS[-1], np.nan)
            rows[LABELS - 1] = accuracy(s, r)
            path = at / "splice" / "20" / s / f"run_{r}" / "accuracies.csv"
            path.parent.mkdir(parents=True)
            write(pd.DataFrame({"accuracy": rows}), path)
    return at / "splice" / "20"


@shape(
    "result folders, measured at every k-th label",
    note="rows count labels; dataset, strategy, repetition by",
)
def _results(at: Path) -> Path:
    return results(at, lambda frame, path: saved(frame, path, na_rep="nan"))


@shape("the same with two measures", note="score is accuracy, not f1; rows count labels; dataset,")
def _results_two(at: Path) -> Path:
    return results(at, lambda frame, path: saved(frame.assign(f1=frame["accuracy"] / 2), path))


@shape("the same with an index", note="the column without a name, from 0 and here from 1, counts")
def _results_index(at: Path) -> Path:
    return results(at, lambda frame, path: saved(frame, path, index=True))


@shape(
    "the same without a header", note="the column without a name, from 0 and here from 1, counts"
)
def _results_bare_index(at: Path) -> Path:
    return results(at, lambda frame, path: saved(frame, path, index=True, header=False))


@shape("the same as lines of numbers, or empty", note="rows count labels; dataset, strategy, repet")
def _results_lines(at: Path) -> Path:
    return results(
        at,
        lambda frame, path: text(path, frame.to_csv(index=False, header=False).replace('""', "")),
    )


@shape("the same as np.savetxt writes it", note="rows count labels; dataset, strategy, repetition")
def _results_savetxt(at: Path) -> Path:
    return results(at, lambda frame, path: np.savetxt(path, frame["accuracy"]))


def _palm(at: Path) -> None:
    """Write PALM's folders, in percent, whose labels are numbers of that size."""
    for s in STRATEGIES:
        for r in REPETITIONS:
            (at / f"{s}_{r}").mkdir(parents=True)
            np.save(at / f"{s}_{r}" / "plot_episode_yvalues.npy", 100 * accuracy(s, r))
            np.save(at / f"{s}_{r}" / "plot_episode_xvalues.npy", LABELS)


@shape("PALM's folders")
def _palm_folder(at: Path) -> Path:
    _palm(at)
    return at


@shape("PALM's folders, named one by one")
def _palm_each(at: Path) -> list[Path]:
    _palm(at)
    return sorted(at.iterdir())


@shape("PALM's folders, by a glob")
def _palm_glob(at: Path) -> str:
    _palm(at)
    return str(at / "*_*")


@shape("PALM's x values, by a glob")
def _palm_labels(at: Path) -> str:
    _palm(at)
    return str(at / "*" / "plot_episode_xvalues.npy")


@shape("PALM's folders beside a table", refused="read along with those of the same folder only")
def _palm_beside(at: Path) -> list[Path]:
    _palm(at / "palm")
    return [saved(tidy(), at / "runs.csv"), at / "palm"]


def _on_data(at: Path, names: str, splits: Iterable[str] = ("train", "test")) -> Path:
    for s in STRATEGIES:
        for split in splits:
            lower = 0.1 * (split != "test")
            frame = wide(s, "seed_{r}").set_index("labels") - lower
            saved(frame.reset_index(), at / names.format(s=s, split=split))
    return at


@shape(
    "train.csv, val.csv and test.csv",
    refused="test, train, val may be scores of the same runs on several data: name one, as '",
)
def _splits(at: Path) -> Path:
    return _on_data(at, "{split}.csv", ("train", "val", "test"))


@shape("two of them by their paths", refused="/test.csv', or, if they are")
def _splits_by_path(at: Path) -> list[Path]:
    return [_splits(at) / "train.csv", at / "test.csv"]


@shape(
    "a file of each strategy and data", refused="/*test*', or, if they are strategies, choose --"
)
def _splits_of_strategies(at: Path) -> Path:
    return _on_data(at, "{s}_{split}.csv")


@shape("those of one", options={"pattern": "{strategy}_test"}, note="strategy by the pattern")
def _split_of_strategies(at: Path) -> str:
    return f"{_on_data(at, '{s}_{split}.csv')}/*test*"


@shape("a folder of each data", refused="/test/*'")
def _splits_in_folders(at: Path) -> str:
    return f"{_on_data(at, '{split}/{s}.csv')}/*/*.csv"


@shape(
    "a dict of each data", refused="train, test may be scores of the same runs on several data: "
)
def _splits_in_memory(_: Path) -> dict[str, Any]:
    return {split: wide("margin", "seed_{r}").to_dict("list") for split in ("train", "test")}


@shape("folders with settings and logs", refused="/*/results.csv'")
def _with_settings(at: Path) -> Path:
    for (s, r), rows in tidy().groupby(["strategy", "repetition"]):
        saved(rows[["labels", "accuracy"]], at / f"{s}_{r}" / "results.csv")
        text(at / f"{s}_{r}" / "config.json", "{}")
        text(at / f"{s}_{r}" / "log.txt", "epoch 1: loss 0.3")
    return at


@shape("a folder of several kinds", refused="several kinds of files")
def _kinds(at: Path) -> Path:
    saved(tidy(), at / "runs.csv")
    text(at / "config.json", "{}")
    return at


# --- odd values


@shape(
    "the means of them, of unknown noise", options={"spread": "none"}, same=False,
    note="score is mean",
)  # fmt: skip
@shape(
    "means and standard deviations", same=False,
    note="score is mean; in std are standard deviations of means of 3 repetitions",
)  # fmt: skip
def _summed_up(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"])["accuracy"].agg(["mean", "std", "count"])
    return saved(frame.reset_index(), at / "runs.csv")


@shape(
    "means and standard deviations of a strategy, by its file", same=False,
    note="strategy margin by its name; in std are standard deviations of means of 3 repetitions",
)  # fmt: skip
def _summary_alone(at: Path) -> Path:
    frame = tidy().query("strategy == 'margin'").groupby("labels")["accuracy"]
    return saved(frame.agg(["mean", "std", "count"]).reset_index(), at / "margin.csv")


@shape(
    "columns of two levels, as pandas sums up", same=False,
    note="score is accuracy / mean; in accuracy / std are standard deviations of means of 3 rep",
)  # fmt: skip
def _summary_in_memory(_: Path) -> pd.DataFrame:
    of = tidy().groupby(["strategy", "labels"])[["accuracy"]]
    return of.agg(["mean", "std", "count"]).reset_index()


@shape(
    "the same, said of how many", options=OF_THREE, same=False,
    note="in accuracy_std are standard deviations of means of 3 repetitions",
)  # fmt: skip
@shape("accuracies with their standard deviations", refused=ASKED)
def _with_spread(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    return saved(frame.assign(accuracy_std=0.01), at / "runs.csv")


def _rows_of_means(told: str, **names: str) -> pd.DataFrame:
    of = tidy().groupby(["strategy", "labels"])["accuracy"].agg(["mean", "std"])
    rows = of.rename(columns=names).rename_axis(columns=told).stack().rename("accuracy")
    return rows.reset_index()


@shape(
    "the same rows, of unknown noise", options={"spread": "none"}, same=False,
    note="stat tells mean, std; score is accuracy_mean.",
)  # fmt: skip
@shape(
    "the same rows, said of how many", options=OF_THREE, same=False,
    note="stat tells mean, std; score is accuracy_mean; in accuracy_std are standard deviations of",
)  # fmt: skip
@shape("rows of means and deviations", refused=ASKED)
def _rows_unsaid(at: Path) -> Path:
    return saved(_rows_of_means("stat"), at / "runs.csv")


@shape(
    "rows of means in place of repetitions", options=OF_THREE, same=False,
    note="repetition tells mean, std; score is accuracy_mean; in accuracy_std are standard dev",
)  # fmt: skip
def _rows_of_repetition(at: Path) -> Path:
    return saved(_rows_of_means("repetition"), at / "runs.csv")


@shape(
    "metrics acc_mean and acc_std", options=OF_THREE, same=False,
    note="metric tells acc_mean, acc_std; score is acc_mean; in acc_std are standard deviations of",
)  # fmt: skip
def _rows_of_metric(at: Path) -> Path:
    return saved(_rows_of_means("metric", mean="acc_mean", std="acc_std"), at / "runs.csv")


@shape(
    "metrics acc, acc_std and loss", options=OF_THREE, same=False,
    note="score is acc; in acc_std are standard deviations of means of 3 repetitions",
)  # fmt: skip
def _rows_beside_losses(at: Path) -> Path:
    frame = _rows_of_means("metric", mean="acc", std="acc_std")
    losses = frame[frame["metric"] == "acc"].assign(metric="loss", accuracy=0.5)
    return saved(pd.concat([losses, frame]).rename(columns={"accuracy": "value"}), at / "runs.csv")


@shape(
    "metrics acc_mean, f1_mean", refused="choose one by --column accuracy=acc_mean or --column acc"
)
def _rows_of_metrics(at: Path) -> Path:
    frames = [_rows_of_means("metric", mean=f"{m}_mean", std=f"{m}_std") for m in ("acc", "f1")]
    return saved(pd.concat(frames), at / "runs.csv")


@shape(
    "a row of means and one of deviations", options=OF_THREE, same=False,
    note="stat tells mean, std; 6 budgets from the columns 20_mean ... 120_mean; in 20_std, 40_std",
)  # fmt: skip
def _rows_across(at: Path) -> Path:
    frame = _rows_of_means("stat").pivot_table("accuracy", ["strategy", "stat"], "labels")
    return saved(frame, at / "runs.csv", index=True)


@shape(
    "rows of means of each strategy, side by side", options=OF_THREE, same=False,
    note="2 strategies from the columns margin_mean, random_mean; in margin_std, random_std are st",
)  # fmt: skip
def _rows_wide(at: Path) -> Path:
    frame = _rows_of_means("stat").pivot_table("accuracy", ["stat", "labels"], "strategy")
    return saved(frame, at / "runs.csv", index=True)


@shape("what pandas describes", same=False, note="in std are standard deviations of means of 3 rep")
def _describe(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"])["accuracy"].describe()
    return saved(frame, at / "runs.csv", index=True)


@shape(
    "accuracies and standard errors, n", same=False,
    note="in sem are standard errors of means of 3 repetitions",
)  # fmt: skip
def _errors_of_means(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    return saved(frame.assign(sem=0.004, n=3), at / "runs.csv")


@shape("records of standard errors", same=False, note="in standard_error are standard errors of")
def _errors_in_json(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    path = at / "runs.json"
    frame.assign(standard_error=0.004).to_json(path, orient="records")
    return path


@shape("accuracies and errors of either kind", refused=WHICH)
def _errors_of_a_kind(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    return saved(frame.assign(accuracy_err=0.004), at / "runs.csv")


@shape("accuracies and bounds", refused="only means and their spread (test_acc, test_acc_lower")
def _bounds(at: Path) -> Path:
    frame = renamed(accuracy="test_acc").groupby(["strategy", "labels"], as_index=False).mean()
    frame = frame.drop(columns="repetition")
    bounds = {f"test_acc_{side}": frame["test_acc"] for side in ("lower", "upper")}
    return saved(frame.assign(**bounds), at / "runs.csv")


@shape(
    "means of each strategy, of unknown noise",
    options={"spread": "none"},
    same=False,
    note="margin (std), random (std) left out",
)
@shape(
    "means of each strategy, said of how many", options=OF_THREE, same=False,
    note="in margin (std), random (std) are standard deviations of means of 3 repetitions",
)  # fmt: skip
@shape("means and standard deviations of each strategy", refused=ASKED)
def _means_wide(at: Path) -> Path:
    frame = tidy().pivot_table("accuracy", "labels", "strategy", aggfunc=["mean", "std"])
    frame.columns = [f"{s} ({what})" for what, s in frame.columns]
    return saved(frame, at / "runs.csv", index=True)


@shape(
    "means, deviations and numbers of each strategy", same=False,
    note="in margin_std, random_std are standard deviations of means of 3 repetitions",
)  # fmt: skip
def _counts_wide(at: Path) -> Path:
    frame = tidy().pivot_table("accuracy", "labels", "strategy", aggfunc=["mean", "std", "count"])
    frame.columns = [f"{s}_{what}" for what, s in frame.columns]
    return saved(frame, at / "runs.csv", index=True)


def _pairs(at: Path, name: str) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    cells = frame["accuracy"].map("{:.3f} (0.012)".format)
    return saved(frame.drop(columns="accuracy").assign(**{name: cells}), at / "runs.csv")


@shape("cells of means and deviations", refused=WHICH)
def _cells(at: Path) -> Path:
    return _pairs(at, "accuracy")


@shape(
    "the same, of standard errors", options={"spread": "se"}, same=False,
    note="in cells such as 0.540 (0.012) are standard errors of means",
)  # fmt: skip
def _cells_said(at: Path) -> Path:
    return _pairs(at, "accuracy")


@shape(
    "the same, by the name of the column", same=False,
    note="in cells such as 0.540 (0.012) are standard errors of means",
)  # fmt: skip
def _cells_named(at: Path) -> Path:
    return _pairs(at, "accuracy (mean ± sem)")


@shape("labels of one episode", refused="labels are those so far, not those of one episode")
def _not_cumulative(at: Path) -> Path:
    return saved(tidy().assign(labels=20), at / "runs.csv")


@shape("a first row at 0 labels", note="6 rows at 0 labels left out")
def _zero(at: Path) -> Path:
    first = tidy().drop_duplicates(["strategy", "repetition"]).assign(labels=0, accuracy=0.1)
    return saved(pd.concat([first, tidy()]), at / "runs.csv")


@shape("labels as shares of a known pool", options={"pool": 1000}, note="shares of a pool of 1,000")
@shape("labels as shares", refused="give its size by --pool N")
def _shares(at: Path) -> Path:
    return saved(tidy().assign(labels=tidy()["labels"] / 1000), at / "runs.csv")


@shape(
    "the same, chosen",
    options={"columns": {"share": "fraction"}, "pool": 1000},
    note="labels are shares of a pool of 1,000",
)
@shape("labels in a column called fraction", refused="by --column share=fraction --pool N")
def _fraction(at: Path) -> Path:
    frame = renamed(labels="fraction")
    return saved(frame.assign(fraction=frame["fraction"] / 1000), at / "runs.csv")


@shape(
    "more labels than the pool has", options={"pool": 100}, refused="labels are 120, more than the"
)
def _small_pool(at: Path) -> Path:
    return saved(tidy(), at / "runs.csv")


@shape(
    "labels in percent of a known pool", options={"pool": 1000}, note="percent of a pool of 1,000"
)
def _percent(at: Path) -> Path:
    frame = tidy()
    return saved(frame.assign(**{"% labeled": frame.pop("labels") / 10}), at / "runs.csv")


@shape(
    "a run that stopped early",
    same=False,
    note="2 rows without accuracy left out, runs that ended early: margin 2",
)
def _stopped(at: Path) -> Path:
    frame = tidy()
    late = (frame["strategy"] == "margin") & (frame["repetition"] == 2) & (frame["labels"] > 80)
    return saved(frame.assign(accuracy=frame["accuracy"].mask(late)), at / "runs.csv")


@shape(
    "a row missing within a run", same=False,
    note="1 row is missing within runs, unlike in most repetitions: random 1",
)  # fmt: skip
def _no_row(at: Path) -> Path:
    return saved(tidy().drop(index=20), at / "runs.csv")


@shape(
    "a strategy that was not run", same=False,
    note="18 rows left out, runs without any accuracy: margin 1, margin 2, margin 3",
)  # fmt: skip
def _not_run(at: Path) -> Path:
    frame = tidy()
    return saved(
        frame.assign(accuracy=frame["accuracy"][frame["strategy"] != "margin"]), at / "a.csv"
    )


@shape("no accuracies at 0 labels", note="6 rows at 0 labels left out")
def _nothing_at_zero(at: Path) -> Path:
    first = tidy()[lambda frame: frame["labels"] == 20].assign(labels=0, accuracy=np.nan)
    return saved(pd.concat([first, tidy()]), at / "runs.csv")


@shape(
    "an episode missing within a run",
    same=False,
    note="1 row without accuracy left out, runs that have gaps: random 1",
)
def _gap(at: Path) -> Path:
    frame = tidy()
    gone = (frame["strategy"] == "random") & (frame["repetition"] == 1) & (frame["labels"] == 60)
    return saved(frame.assign(accuracy=frame["accuracy"].mask(gone)), at / "runs.csv")


# --- counts, marks and units that may be misread


def queries() -> pd.DataFrame:
    """Return the curves with labels of an unknown name."""
    return renamed(labels="n_queries")


@shape("the same, chosen", options={"columns": {"labels": "n_queries"}}, note="labels are n_quer")
@shape("an index beside labels of another name", refused="--column labels=n_queries or --column ep")
def _index_only(at: Path) -> Path:
    return saved(queries(), at / "runs.csv", index=True)


@shape("rows of a frame without any count, filtered", refused="may number the rows: choose what")
def _filtered(_: Path) -> pd.DataFrame:
    frame = tidy().drop(columns="labels")
    return frame[(frame["strategy"] == "random") & (frame["repetition"] == 1)]


@shape("labels of another name", refused="--column episode=n_queries or --column labels=n_queries")
def _queries(at: Path) -> Path:
    return saved(queries(), at / "runs.csv")


def _grouped(mark: str) -> pd.DataFrame:
    frame = tidy()
    return frame.assign(labels=(50 * frame["labels"]).map("{:,}".format).str.replace(",", mark))


@shape("commas between thousands", same=False, note="commas separate thousands")
def _thousands(at: Path) -> Path:
    return saved(_grouped(","), at / "runs.tsv", sep="\t")


@shape(
    "points between thousands, decimal commas", same=False,
    note="commas are decimal; points separate thousands",
)  # fmt: skip
def _thousands_points(at: Path) -> Path:
    return saved(_grouped("."), at / "runs.csv", sep=";", decimal=",")


@shape("labels and scores with three decimals after commas", refused="labels has 20,000, thousands")
def _three(at: Path) -> Path:
    frame = tidy().assign(labels=tidy()["labels"].astype(float))
    return saved(frame, at / "runs.csv", sep=";", decimal=",", float_format="%.3f")


@shape("decimal commas in quotes", note="commas are decimal")
def _quoted(at: Path) -> Path:
    return saved(tidy(), at / "runs.csv", decimal=",", quoting=1)


@shape("error rates below 1%, in cells", options={"lower_is_better": True}, same=False)
def _percent_cells(at: Path) -> Path:
    frame = mistakes()
    return saved(frame.assign(error=frame["error"].map("{:.4f}%".format)), at / "runs.csv")


@shape("cells in percent and others", refused="accuracy is '0.5381', where other cells have a %")
def _percent_some(at: Path) -> Path:
    cells = [f"{100 * a:g}%" if i % 2 else str(a) for i, a in enumerate(tidy()["accuracy"])]
    return saved(tidy().assign(accuracy=cells), at / "runs.csv")


@shape("the same, chosen as fractions", options={"percent": False}, note="score is Accuracy (%)")
@shape(
    "a name in percent, values up to 1", refused="percent=True (--percent) reads it as percent, "
)
def _percent_name(at: Path) -> Path:
    return saved(renamed(accuracy="Accuracy (%)"), at / "runs.csv")


@shape("a column for each share below 1%", options={"pool": 20_000}, note="are percent of a pool")
def _shares_below(at: Path) -> Path:
    frame = _across("{n}")
    return saved(frame.rename(columns={str(n): f"{n / 200:g}%" for n in LABELS}), at / "runs.csv")


@shape("labels below 1%, by their name", options={"pool": 20_000}, refused="write percent as cells")
def _share_name(at: Path) -> Path:
    frame = tidy()
    return saved(frame.assign(**{"% labeled": frame.pop("labels") / 200}), at / "runs.csv")


@shape("labels in percent, in cells", options={"pool": 20_000}, note="are percent of a pool of 20,")
def _share_cells(at: Path) -> Path:
    return saved(tidy().assign(labels=(tidy()["labels"] / 200).map("{:g}%".format)), at / "r.csv")


# --- what sums repetitions up, beside them


def _summed(*names: str) -> pd.DataFrame:
    means = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    return pd.concat([means.assign(repetition=name) for name in names])


@shape("means beside repetitions", note="rows of repetition mean, std, beside those")
def _mean_rows(at: Path) -> Path:
    return saved(pd.concat([tidy(), _summed("mean", "std")]), at / "runs.csv")


@shape("means and deviations as repetitions", refused="a mean or its spread instead of")
def _mean_rows_only(at: Path) -> Path:
    return saved(_summed("mean", "std"), at / "runs.csv")


@shape("a column for each repetition, and one of means", same=False, note="seed_3; all left out")
def _mean_column(at: Path) -> Path:
    return saved(wide("margin", "seed_{r}").assign(all=0.5), at / "margin.csv")


@shape("the same, also of deviations", same=False, note="seed_3; mean, std left out")
def _deviation_column(at: Path) -> Path:
    return saved(wide("margin", "seed_{r}").assign(mean=0.5, std=0.1), at / "margin.csv")


@shape("two header rows with means", note="rows of repetition mean, std, beside those")
def _mean_header(at: Path) -> Path:
    frame = tidy().pivot_table("accuracy", "labels", ["strategy", "repetition"])
    for s in STRATEGIES:
        frame[s, "mean"], frame[s, "std"] = 0.5, 0.01
    return saved(frame, at / "runs.csv", index=True)


# --- arrays of labels and runs, or transposed


@shape(".npy of labels above runs", same=False, note="the first row, without a name, counts labels")
def _npy_labels(at: Path) -> Path:
    np.save(at / "margin.npy", np.array([LABELS, *(accuracy("margin", r) for r in REPETITIONS)]))
    return at / "margin.npy"


@shape(".npy of labels beside runs", same=False, note="the first column, without a name, counts l")
def _npy_columns(at: Path) -> Path:
    np.save(at / "margin.npy", np.load(_npy_labels(at)).T)
    return at / "margin.npy"


@shape(".npy of whole percent below labels", refused="may be labels or accuracies: name labels")
def _npy_whole(at: Path) -> Path:
    np.save(at / "margin.npy", np.array([LABELS // 2, 100 * accuracy("margin", 1) // 1]))
    return at / "margin.npy"


@shape(".npy of episodes x runs", refused="6 runs x 4 episodes, but its rows may be the episodes")
def _npy_turned(at: Path) -> Path:
    np.save(at / "margin.npy", np.array([accuracy("margin", r) for r in range(4)]).T)
    return at / "margin.npy"


@shape(".npz of labels and episodes x runs", note="margin 3 runs x 6 episodes")
def _npz_turned(at: Path) -> Path:
    turned = {s: np.array([accuracy(s, r) for r in REPETITIONS]).T for s in STRATEGIES}
    np.savez(at / "runs.npz", labels=LABELS, **turned)
    return at / "runs.npz"


@shape(".npz of two measures", same=False, note="score is test_acc, not train_acc")
def _npz_measures(at: Path) -> Path:
    runs = np.array([accuracy("margin", r) for r in REPETITIONS])
    np.savez(at / "margin.npz", labels=LABELS, train_acc=runs + 0.05, test_acc=runs)
    return at / "margin.npz"


@shape(".npz of measures alone", refused="measures or strategies: keep one measure, called accura")
def _npz_splits(at: Path) -> Path:
    runs = np.array([accuracy("margin", r) for r in REPETITIONS])
    np.savez(at / "margin.npz", train_result=runs + 0.05, test_result=runs)
    return at / "margin.npz"


# --- several columns of counts or repetitions


@shape("rounds beside the size of the pool", options={"batch": 20}, note="labels, 5000 in all epi")
def _constant(at: Path) -> Path:
    frame = tidy().assign(round=tidy()["labels"] // 20, n_samples=5000).drop(columns="labels")
    return saved(frame, at / "runs.csv")


@shape("seed and fold", same=False, note="repetition is seed / fold")
def _seed_fold(at: Path) -> Path:
    frames = [renamed(repetition="seed").assign(fold=fold) for fold in (0, 1)]
    return saved(pd.concat(frames), at / "runs.csv")


# --- other writers


@shape("pandas' JSON, orient split", note="")
def _split(at: Path) -> Path:
    tidy().to_json(at / "runs.json", orient="split")
    return at / "runs.json"


@shape("the same of two header rows", note="the column without a name counts labels")
def _split_levels(at: Path) -> Path:
    frame = tidy().pivot_table("accuracy", "labels", ["strategy", "repetition"])
    frame.to_json(at / "runs.json", orient="split")
    return at / "runs.json"


@shape("pandas' JSON, orient table")
def _table(at: Path) -> Path:
    tidy().to_json(at / "runs.json", orient="table")
    return at / "runs.json"


@shape("JSON lines in .json")
def _lines_json(at: Path) -> Path:
    tidy().to_json(at / "runs.json", orient="records", lines=True)
    return at / "runs.json"


@shape("a JSON array in .jsonl")
def _array_lines(at: Path) -> Path:
    return text(at / "runs.jsonl", tidy().to_json(orient="records"))


@shape("JSON lines, cut off", refused="cannot be read as JSON: line 36: ")
def _lines_cut(at: Path) -> Path:
    return text(at / "runs.jsonl", tidy().to_json(orient="records", lines=True)[:-20])


@shape("Excel's line sep=;", note="commas are decimal")
def _sep(at: Path) -> Path:
    return text(at / "runs.csv", "sep=;\n" + tidy().to_csv(index=False, sep=";", decimal=","))


@shape("a table in Markdown")
def _markdown(at: Path) -> Path:
    rows = [[*tidy().columns], ["---"] * 4, *tidy().astype(str).to_numpy().tolist()]
    return text(at / "runs.txt", "\n".join(f"| {' | '.join(row)} |" for row in rows))


@shape("lists in cells", note="labels are n_labeled; repetition is seed")
def _list_cells(at: Path) -> Path:
    return saved(pd.DataFrame(_histories_of_runs()).map(_plain), at / "runs.csv")


def _plain(cell: Any) -> Any:
    return [float(value) for value in cell] if isinstance(cell, list) else cell


@shape("numbers with blanks after commas", same=False, note="the first column, without a name, ")
def _blank_numbers(at: Path) -> Path:
    rows = zip(LABELS, accuracy("margin", 1), strict=True)
    return text(at / "margin.csv", "\n".join(f"{n}, {a}" for n, a in rows))


@shape(
    "cells of means in LaTeX", options=OF_THREE, same=False,
    note="are standard deviations of means of 3 repetitions",
)  # fmt: skip
def _latex(at: Path) -> Path:
    frame = tidy().groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()
    cells = frame["accuracy"].map("${:.2f}_{{\\pm 0.02}}$".format)
    return saved(frame.assign(accuracy=cells), at / "runs.csv")


@shape(
    "a table of a paper, said of how many", options=OF_THREE, same=False,
    note="in cells such as 53.9±0.3 are standard deviations of means of 3 repetitions",
)  # fmt: skip
@shape("a table of a paper", refused="in cells such as 53.9±0.3 are means and their spread: say wh")
def _of_paper(at: Path) -> Path:
    cells = [[f"{100 * a:.1f}±0.3" for a in accuracy(s, 1) + 0.0005] for s in STRATEGIES]
    frame = pd.DataFrame(cells, columns=[str(n) for n in LABELS])
    return saved(frame.assign(Method=STRATEGIES), at / "runs.csv")


@shape("a pointer of Git LFS", refused="fetch the file by git lfs pull")
def _lfs(at: Path) -> Path:
    return text(at / "runs.csv", "version https://git-lfs.github.com/spec/v1\nsize 1\n")


@shape("UTF-16 without its mark", refused="is in UTF-16 without its mark: save it in UTF-8")
def _unmarked(at: Path) -> Path:
    return saved(tidy(), at / "runs.csv", encoding="utf-16-le")


def tried() -> Iterator[tuple[str, str]]:
    """Read every shape, and give what came of it."""
    for one in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            source = one.write(Path(folder))
            try:
                runs = read_runs(source, **one.options)
            except DataError as error:
                yield one.name, f"refused: {str(error).replace(folder + '/', '')}"
                continue
            found = next((note for note in runs.notes if note.startswith("Read: ")), "")
            yield one.name, f"read: {runs.describe()}. {found}".replace(folder + "/", "")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name, came in tried():
        print(f"{name:45}  {came}")


if __name__ == "__main__":
    main()
