"""Learned hyperparameters: their file, and the coverage that they keep by distance."""

from dataclasses import replace

import pytest

from palm_bayes.errors import DataError
from palm_bayes.model.learned import Held, Learned, shipped


def test_a_file_holds_all(tmp_path):
    read = Learned.read(shipped().write(tmp_path / "prior.json"))
    assert read.document() == shipped().document()


@pytest.mark.parametrize("text", ["{}", "no JSON"])
def test_a_file_that_is_none(tmp_path, text):
    path = tmp_path / "prior.json"
    path.write_text(text)
    with pytest.raises(DataError, match="does not hold a learned"):
        Learned.read(path)
    with pytest.raises(DataError, match="cannot read"):
        Learned.read(tmp_path / "none.json")


@pytest.mark.parametrize(("times", "share"), [(1.2, 0.7), (1.5, 0.7), (2, 0.8), (50, None)])
def test_rows_are_up_to_so_many_times(times, share):
    learned = replace(shipped(), held=(Held(1.5, 10, 0.7), Held(3.0, 20, 0.8)))
    row = learned.held_at(times)
    assert (row and row.share) == share
