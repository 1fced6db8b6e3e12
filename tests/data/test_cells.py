"""Cells of any kind are a number, or one line that names the row."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.cells import as_numbers, as_text, holds, is_gap, natural
from palm_bayes.errors import DataError
from palm_bayes.reading.read import read_runs


def frame(**columns):
    usual = {
        "strategy": "m",
        "labels": [10, 20, 30, 40, 50],
        "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5],
    }
    return pd.DataFrame(usual | columns)


def with_last(cell, start=(0.1, 0.2, 0.3, 0.4)):
    return pd.Series([*start, cell], dtype=object)


@pytest.mark.parametrize("column", ["accuracy", "labels", "episode"])
@pytest.mark.parametrize(
    "cell",
    [
        10**400,
        10**5000,
        Decimal("sNaN"),
        np.array([1, 2]),
        [1, 2],
        {"a": 1},
        1j,
        b"x",
        object(),
        Decimal("1e999999"),
    ],  # whose digits pandas would write out
    ids=lambda cell: type(cell).__name__,
)
def test_cells_that_are_no_numbers_name_the_row(column, cell):
    with pytest.raises(DataError, match=f"row 4, strategy m.*{column} is '") as caught:
        read_runs(frame(**{column: with_last(cell, (1, 2, 3, 4))}), percent=True)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("kind", ["Int64", "Float64", "int64[pyarrow]", "double[pyarrow]"])
@pytest.mark.parametrize("column", ["labels", "episode", "repetition"])
def test_a_missing_value_in_a_nullable_column_is_named(kind, column):
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match=f"row 2.*{column} is"):
        read_runs(frame(**{column: pd.array([1, 2, None, 4, 5], dtype=kind)}))


@pytest.mark.parametrize("kind", ["category", "Sparse"])
def test_categories_and_sparse_columns_are_read_as_plain_ones(kind):
    plain = frame()
    for name in ("strategy", "labels", "accuracy"):
        column = plain[name].astype(object if name == "strategy" else plain[name].dtype)
        odd = column.astype("category" if kind == "category" else pd.SparseDtype(column.dtype))
        assert read_runs(plain.assign(**{name: odd})).sha256() == read_runs(plain).sha256()


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_nullable_columns_are_read_as_plain_ones(backend):
    if backend == "pyarrow":
        pytest.importorskip("pyarrow")
    plain = frame(repetition=1.0, accuracy=[0.1, 0.2, np.nan, 0.4, 0.5])
    nullable = plain.convert_dtypes(dtype_backend=backend)
    one, other = read_runs(plain), read_runs(nullable)
    assert one.sha256() == other.sha256()
    assert one.notes == other.notes


@pytest.mark.parametrize(
    "labels",
    [
        pd.date_range("2020", periods=5),
        pd.timedelta_range("1s", periods=5),
        np.array([1, 2, 3, 4, 5j]),
        [1e300, 2e300, 3e300, 4e300, 5e300],
    ],
)
def test_times_and_huge_counts_are_no_labels(labels):
    with pytest.raises(DataError, match="labels is"):
        read_runs(frame(labels=labels))


@pytest.mark.parametrize("batch", [1e-300, 1e300, "3", np.nan, -1])
@pytest.mark.parametrize("without", [[], ["labels"]])
def test_a_batch_of_no_use_is_refused(batch, without):
    given = frame(episode=range(1, 6)).drop(columns=without)
    with pytest.raises(DataError, match=r"batch.* is"):
        read_runs(given, batch=batch)


@pytest.mark.parametrize(
    "option", [{"max_repetitions": 0}, {"max_episodes": 3}, {"max_repetitions": -1}]
)
def test_limits_are_checked_for_folders_too(tmp_path, option):
    (tmp_path / "margin_1").mkdir()
    np.save(tmp_path / "margin_1" / "plot_episode_yvalues.npy", np.linspace(30, 60, 6))
    with pytest.raises(DataError, match=f"{next(iter(option))} .* is .*, but must be at least"):
        read_runs(tmp_path, **option)


@pytest.mark.parametrize("repetition", ["1" * 500, 10**5000], ids=["text", "int"])
def test_a_repetition_of_many_digits_is_read(repetition):
    runs = read_runs(frame(repetition=pd.Series([repetition] * 5, dtype=object)))
    assert len(runs.table) == 5


def test_natural_order_of_any_length():
    names = ["10", "9", "09", "9" * 6000, "a2", "a10", "1" + "0" * 6000]
    ordered = ["09", "9", "10", "9" * 6000, "1" + "0" * 6000, "a2", "a10"]
    assert sorted(names, key=natural) == ordered


def test_numbers_of_mixed_cells():
    cells = pd.Series(["0.5", 1, None, "x", 10**400, True, Decimal("0.25")], dtype=object)
    found = as_numbers(cells).to_numpy()
    np.testing.assert_array_equal(found, [0.5, 1, np.nan, np.nan, np.nan, 1, 0.25])


def test_text_of_numbers():
    assert list(as_text(pd.Series([1.0, 2.0, np.nan]))) == ["1", "2", ""]
    assert list(as_text(pd.Series([1.5, 2.0]))) == ["1.5", "2.0"]
    assert list(as_text(pd.Series([1e300, 2.0]))) == ["1e+300", "2.0"]
    assert list(as_text(pd.Series(["e\u0301cart", "\u00e9cart"]))) == ["\u00e9cart"] * 2


@pytest.mark.parametrize(
    "name",
    [f"caf{end}" for end in ("\udce9", "\udcc3\udca9", "\ud800")],
    ids=["no", "utf8", "half"],
)
def test_names_that_were_not_decoded_are_read(tmp_path, name):
    """As of files on a system of another encoding: pandas cannot store them."""
    (strategy,) = read_runs(frame(strategy=pd.Series([name] * 5, dtype=object))).strategies
    assert strategy in {"caf\N{REPLACEMENT CHARACTER}", "café", "caf?"}
    assert read_runs({name: {"labels": [1, 2, 3, 4], "acc": [0.1, 0.2, 0.3, 0.4]}}).strategies
    if name != "caf\ud800":
        frame().drop(columns="strategy").to_csv(tmp_path / f"{name}_1.csv", index=False)
        (told,) = read_runs(tmp_path / f"{name}_1.csv").strategies
        assert strategy.startswith(told)


def test_a_huge_number_below_two_columns_of_one_name_is_one_line():
    """Found by benchmarks/fuzz.py: such a row is tried as a second header."""
    columns = ["strategy", "accuracy", "accuracy", "labels"]
    table = pd.DataFrame([["m", 10**5000, 0.5, 10]] * 5, columns=columns, dtype=object)
    with pytest.raises(DataError, match="accuracy"):
        read_runs(table)


@pytest.mark.parametrize(
    ("cells", "numbers", "text"),
    [
        (["1", "2.5", "n/a"], True, False),
        (["10%", "20 %", "—"], True, False),
        (["0.54 ± 0.02", "0.6 (0.01)"], True, False),
        (["margin", "", "None"], False, True),
        (["margin", "1"], False, False),
        (["-", "?"], False, False),  # nothing tells
    ],
)
def test_what_a_column_holds_beside_gaps(cells, numbers, text):
    column = pd.Series(cells)
    assert holds(column, numbers=True) == numbers
    assert holds(column, numbers=False) == text


def test_gaps_of_any_kind():
    cells = pd.Series([None, np.nan, pd.NA, " N/A ", "--", "nan", 0, "0", "no"], dtype=object)
    assert is_gap(cells).tolist() == [True] * 6 + [False] * 3
