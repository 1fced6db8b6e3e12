"""Results of a sweep: joined tables, pooled speed-ups, and what is left out of them."""

import math

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from palm_bayes.errors import DataError
from palm_bayes.evaluation.sweep_result import COLUMNS, Sweep, write


def test_a_folder_without_a_sweep(tmp_path):
    with pytest.raises(DataError, match=r"holds no sweep: verdicts\.parquet is missing"):
        Sweep.load(tmp_path)


def made(tmp_path, speed_ups, sd=0.05):
    """Write a sweep whose speed-ups in each task are known."""
    parts = []
    for i, of_task in enumerate(speed_ups):
        head = {"source": "", "dataset": f"d{i}", "model": "m"}
        names = ["random", *of_task]
        cells = [head | {"strategy": name} for name in names]
        values = {"random": 0.0} | of_task
        best = max(values, key=values.get)
        comparison = [
            cell
            | {"reference": "random", "p_best": float(cell["strategy"] == best)}
            | {"log_speed_up": values[cell["strategy"]], "log_speed_up_sd": sd}
            for cell in cells
        ]
        verdicts = [
            cell
            | {"repetitions": 3, "episodes": 9, "labels": 90, "percent": False, "converged": True}
            | {"described": True, "advice": "", "finding": "", "divergences": 0, "attempts": 1}
            | {"seed": 1, "trace": "", "r_hat": 1.0}
            for cell in cells
        ]
        tables = {"verdicts": pd.DataFrame(verdicts), "comparison": pd.DataFrame(comparison)}
        parts.append({name: table.to_dict("list") for name, table in tables.items()})
    tmp_path.mkdir(exist_ok=True)
    write(tmp_path, parts)
    return Sweep.load(tmp_path)


def test_pooled_speed_ups(tmp_path):
    rng = np.random.default_rng(1)
    effects = [{"good": 0.5 + 0.1 * rng.standard_normal(), "bad": -0.3} for _ in range(30)]
    found = made(tmp_path / "out", effects)
    pooled = found.speed_ups()
    assert list(pooled.index) == ["good", "bad"]
    assert pooled.loc["good", "mean"] == pytest.approx(0.5, abs=0.06)
    assert pooled.loc["good", "tau"] == pytest.approx(0.1, abs=0.05)
    assert pooled.loc["good", "p_new"] > 0.99
    assert pooled.loc["bad", "p_new"] < 0.01
    assert found.winners.loc["good"].to_dict() == {
        "tasks": 30, "wins": 30, "surely": 30, "hardly": 0,
    }  # fmt: skip
    assert found.complete
    assert "30" in repr(found)


def test_the_reference_is_that_of_most_tasks_however_many_strategies_they_have(tmp_path):
    few = {"good": 0.5}
    found = made(tmp_path / "out", [few, few, dict.fromkeys("abcdefgh", 0.1)])
    comparison = found.comparison.copy()
    comparison.loc[comparison["dataset"] == "d2", "reference"] = "a"
    vars(found)["comparison"] = comparison
    assert found.reference == "random"
    assert found.speed_ups().index.tolist() == ["good"]


def test_where_nothing_is_compared_nothing_can_be_drawn(tmp_path):
    found = made(tmp_path / "out", [])
    assert found.speed_ups().empty
    with pytest.raises(DataError, match="probability is 90, but must be above 0 and below 1"):
        found.speed_ups(90)
    for plot in (found.plot_speed_ups, found.plot_winners):
        with pytest.raises(DataError, match="no two strategies of a task can be compared"):
            plot()


def test_joined_parts_are_what_pandas_would_write(tmp_path):
    """Numbers exactly, what is missing as null, columns that one part lacks."""
    row = {"source": "a", "dataset": "=1", "model": "", "strategy": "s", "r_hat": 0.1 + 0.2}
    whole = {name: [value] for name, value in (row | {"divergences": 0, "converged": True}).items()}
    short = {name: [value, value] for name, value in row.items()} | {"ess_bulk": [math.nan, 7]}
    write(tmp_path, [{"verdicts": whole}, {"verdicts": short}, {"comparison": {"strategy": []}}])
    table = parquet.read_table(tmp_path / "verdicts.parquet")
    assert table.column_names == list(COLUMNS["verdicts"])
    assert table["r_hat"].to_pylist() == [0.1 + 0.2] * 3
    assert table["dataset"].to_pylist() == ["=1"] * 3
    assert table["ess_bulk"].to_pylist() == [None, None, 7]
    assert table["divergences"].to_pylist() == [0, None, None]
    assert table["converged"].to_pylist() == [True, None, None]
    assert parquet.read_table(tmp_path / "comparison.parquet").num_rows == 0


def test_fits_that_did_not_converge_are_not_pooled(tmp_path):
    found = made(tmp_path / "out", [{"good": 0.5}, {"good": -9.0}])
    vars(found)["verdicts"] = found.verdicts.assign(
        converged=(found.verdicts["dataset"] == "d0") | (found.verdicts["strategy"] == "good")
    )
    assert found.speed_ups().loc["good", "tasks"] == 1
