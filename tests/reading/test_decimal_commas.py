"""Decimal commas, and marks between thousands."""

import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading.read import read_runs


def table(folder, header, row):
    path = folder / "margin.csv"
    path.write_text("\n".join([header, *(row.format(i=i) for i in range(1, 6))]))
    return path


@pytest.mark.parametrize(
    ("header", "row", "labels", "accuracy"),
    [
        ("labels;acc", "1,{i}00,000;0.{i}", 1_100_000, 0.1),  # several groups
        ("labels;acc", "{i},500;5{i}", 1500, 0.51),  # labels have no decimals
        ("labels;acc", "{i}0;5{i},125", 10, 0.51125),  # scores have no thousands
        ("labels;time;acc", "{i}0;1,{i}00;0,{i}", 10, 0.1),
        ("labels;acc", "{i}0.000;5{i}.125", 10, 0.51125),
        ("n_samples;acc", "{i}0;5{i},25 %", 10, 0.5125),
    ],
)
def test_marks_in_numbers(tmp_path, header, row, labels, accuracy):
    runs = read_runs(table(tmp_path, header, row))
    first = runs.table.iloc[0]
    assert (first["labels"], first["accuracy"]) == (labels, pytest.approx(accuracy))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("labels;acc", "{i}.000;5{i}"),
        ("n_queries;acc", "{i},000;5{i}"),
        ("labels;margin;random", "{i}0;5{i},125;6{i},125"),
    ],
)
def test_marks_that_may_be_either_are_refused(tmp_path, header, row):
    with pytest.raises(DataError, match="thousands or decimals"):
        read_runs(table(tmp_path, header, row))
