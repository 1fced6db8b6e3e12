"""Names of files and columns: strategies, repetitions and patterns."""

import pandas as pd
import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading.read import read_runs
from palm_bayes.reading.run_names import (
    by_pattern,
    palm_discovered,
    repetition_of,
    split,
    split_all,
)


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("margin_seed1", ("margin", "1")),
        ("margin (run 3)", ("margin", "3")),
        ("random_ff_byol_b50_1", ("random_ff_byol_b50", "1")),
        ("random_seed_2", ("random", "2")),
        ("run_3_random", ("random", "3")),
        ("bald_b50", ("bald_b50", None)),
        ("run-margin_4-tag-test_acc", ("margin", "4")),
        ("margin_seed1_lr0.01", ("margin", "1")),
        ("margin_run1_final", ("margin", "1")),
        ("('margin', 1)", ("margin", "1")),
        ("margin_s1", ("margin", "1")),
        ("margin_lr0.01", ("margin_lr0.01", None)),
        ("margin_r50", ("margin_r50", None)),
        ("margin-2024-05-01", ("margin", None)),
        ("margin_20240501-1230_3", ("margin", "3")),
    ],
)
def test_names_of_runs(name, run):
    assert split(name) == run


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        ("1_margin 2_margin 7_random", [("margin", "1"), ("margin", "2"), ("random", "7")]),
        ("margin_r0 margin_r1", [("margin", "0"), ("margin", "1")]),
        ("1_margin 2_random", [("1_margin", None), ("2_random", None)]),
        ("margin_r18 margin_r50", [("margin_r18", None), ("margin_r50", None)]),
        ("1_margin 1_margin", [("1_margin", None), ("1_margin", None)]),
    ],
)
def test_names_with_numbers_of_several_runs(names, runs):
    assert split_all(names.split()) == runs


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("seed_1", "1"),
        ("test acc 2", "2"),
        ("Run (3)", "3"),
        ("4", "4"),
        ("r2", "2"),
        ("margin_1", None),
    ],
)
def test_names_of_repetitions(name, number):
    assert repetition_of(name) == number


def test_patterns():
    assert by_pattern(["a/random_ff_1"], "{strategy}_{repetition}") == [
        {"strategy": "random_ff", "repetition": "1"}
    ]
    assert by_pattern(["x/vit/margin/7/log"], "{model}/{strategy}/{repetition}/*") == [
        {"model": "vit", "strategy": "margin", "repetition": "7"}
    ]
    for pattern, said in (
        ("{seed}_x", "has {seed}: allowed are strategy, repetition"),
        ("{strategy}{strategy}", "has {strategy}"),
        ("margin", "has no field"),
        ("{strategy}-{repetition}", "does not match margin_1"),
    ):
        with pytest.raises(DataError, match=said):
            by_pattern(["margin_1"], pattern)


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["margin_10_1", "margin_10_2", "margin_20_1"], ["margin_10", "margin_10", "margin_20"]),
        (["margin_1_42", "margin_2_43"], ["margin", "margin"]),
        (["margin_10_1", "margin_20_1"], ["margin_10", "margin_20"]),
        (["typiclust_moco_b50_1_seed42"], ["typiclust_moco_b50"]),
        (["margin_1", "random"], ["margin", "random"]),
        (["2_1", "7"], ["2", "7"]),
    ],
)
def test_discovery_of_names_with_numbers(names, read):
    assert [palm_discovered(names)[name][0] for name in names] == read


@pytest.mark.parametrize("mark", ["_", "-", "."])
def test_a_run_that_may_be_continued_is_told(tmp_path, mark):
    curve = {"labels": range(10, 70, 10), "accuracy": [0.5, 0.6, 0.7, 0.75, 0.8, 0.8]}

    def notes(*names, columns=(), **options):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name in names:
            table = pd.DataFrame(curve).assign(**dict.fromkeys(columns, name))
            table.to_csv(folder / f"{name}.csv", index=False)
        return read_runs(folder, **options).notes[0]

    name = f"margin_1{mark}resumed"
    said = notes("margin_1", "margin_2", name)
    assert f"{name}, beside margin_1, is strategy {name}: join the two if it continues" in said
    assert "beside" not in notes("margin_1", "margin_1_2", "margin_12")
    assert "beside" not in notes("margin", "margin_old")
    assert "beside" not in notes("margin_1", name, pattern="{strategy}")
    assert "beside" not in notes("margin_1", name, columns=["strategy"])
