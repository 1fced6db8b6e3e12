"""Learned hyperparameters: their file, and the coverage that they keep by distance."""

import json
from dataclasses import replace

import pytest

from palm_bayes.errors import DataError
from palm_bayes.model.learned import Held, Learned, shipped


def test_a_file_holds_all(tmp_path):
    read = Learned.read(shipped().write(tmp_path / "prior.json"))
    assert read.document() == shipped().document()


def test_a_file_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shipped().write(tmp_path / "prior.json")
    assert Learned.read("~/prior.json") == Learned.read(tmp_path / "prior.json")


@pytest.mark.parametrize("text", ["{}", "no JSON"])
def test_a_file_that_is_none(tmp_path, text):
    path = tmp_path / "prior.json"
    path.write_text(text)
    with pytest.raises(DataError, match="does not hold a learned"):
        Learned.read(path)
    with pytest.raises(DataError, match="cannot read"):
        Learned.read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"priors": {"beta": {"median": -1}}}, "median of beta is -1, but must be above 0"),
        ({"priors": {"beta": {"width": float("nan")}}}, "width of beta is nan"),
        ({"priors": {"alpha_start": {"median": "1.5"}}}, "is '1.5', but must be a number"),
        ({"priors": {"beta": {"mean": 2}}}, "beta does not have mean: is the file of another"),
        ({"misfit": {"scale": True}}, "scale of the misfit is True, but must be a number"),
        ({"misfit": {"scale": 10**400}}, "scale of the misfit is too large"),
        ({"misfit": {"drift": 1}}, "the misfit does not have drift"),
        ({"held": [{"times": 1.5, "forecasts": 10}]}, "held lacks share"),
        ({"held": [Held(1.5, 10, 78)._asdict()]}, "held has the share 78 of 10 forecasts"),
        ({"held": [Held(t, 9, 0.8)._asdict() for t in (3, 1.5)]}, "times of held do not increase"),
    ],
)
def test_a_file_edited_by_hand(tmp_path, change, words):
    """Its numbers would become bands, and sentences about them."""
    document = shipped().document()
    for part, values in change.items():
        if part == "priors":
            for name, numbers in values.items():
                document[part][name] |= numbers
        else:
            document[part] = document[part] | values if part == "misfit" else values
    path = tmp_path / "prior.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=f"prior.json does not hold a learned prior .*{words}"):
        Learned.read(path)


@pytest.mark.parametrize(("times", "share"), [(1.2, 0.7), (1.5, 0.7), (2, 0.8), (50, None)])
def test_rows_are_up_to_so_many_times(times, share):
    learned = replace(shipped(), held=(Held(1.5, 10, 0.7), Held(3.0, 20, 0.8)))
    row = learned.held_at(times)
    assert (row and row.share) == share
