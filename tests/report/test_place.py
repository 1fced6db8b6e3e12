"""Names of a fit's files in a folder, and which of those there are replaced."""

from pathlib import Path

import pytest
import xarray as xr

from palm_bayes.errors import DataError
from palm_bayes.report.place import (
    check_fit_folder,
    files_to_replace,
    folders,
    left_over,
    names_of,
    refuse_foreign,
)

OURS = {"trace.nc", "summary.csv", "forecast.csv", "curves.png"}
PALMS = {"palm_params.json", "palm_params.csv", "y_avg.npy", "y_fit.npy", "palm_fit.png"}


def names(strategies, **options):
    return {path.as_posix() for path in names_of(strategies, kinds=["png"], **options)}


@pytest.fixture
def runs(made_up):
    return made_up.task({"margin": (0.1, 0.2), "random": (0.2, 0.3)})


@pytest.fixture
def out(tmp_path, runs):
    """Return a folder that holds the files of a fit of these runs, all but the trace empty."""
    folder = tmp_path / "out"
    for name in names_of(runs.strategies, kinds=["png"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    rows = runs.table.rename_axis("row").to_xarray()
    tree = xr.DataTree.from_dict({"/": xr.Dataset(), "runs": rows})
    tree.to_netcdf(folder / "trace.nc", engine="h5netcdf")
    return folder


def replaced(out, runs, *, overwrite=False):
    new = names_of(runs.strategies, kinds=["png"])
    return {path.as_posix() for path in files_to_replace(out, runs, new, overwrite)}


def test_one_strategy_has_no_folder_of_its_own():
    assert folders(["margin"]) == {"margin": ""}
    assert names(["margin"]) == OURS | PALMS
    assert names(["margin"], palm=False) == OURS


def test_several_have_folders_and_a_comparison():
    each = {f"{name}/{file}" for name in ("margin", "random") for file in PALMS}
    assert names(["margin", "random"]) == OURS | {"comparison.png"} | each
    assert names(["margin", "random"], palm=False) == OURS | {"comparison.png"}


def test_folders_are_safe_and_unlike_the_files():
    found = folders(["x" * 300, "a/b", "A/B", "NUL", "summary.csv", "curves.svg"])
    assert len({folder.casefold() for folder in found.values()}) == 6
    assert max(map(len, found.values())) <= 100
    assert found["a/b"] == "a_b"
    assert found["NUL"] == "_NUL"
    assert found["summary.csv"] == "summary.csv-2"
    assert found["curves.svg"] == "curves.svg-2"


def test_into_an_empty_folder_nothing_is_replaced(tmp_path, runs):
    check_fit_folder(tmp_path / "new", runs)
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine.txt").touch()
    check_fit_folder(tmp_path, runs)
    assert replaced(tmp_path, runs) == set()


def test_a_fit_of_the_same_runs_is_replaced_with_all_its_files(out, runs):
    (out / "margin" / "mine.txt").touch()
    one = runs.strategy("margin").first(4)
    check_fit_folder(out, one)
    assert replaced(out, one) == names(runs.strategies)


def test_figures_of_another_format_are_replaced_if_all_are_there(out, runs):
    """A single one may be the user's own."""
    (out / "curves.pdf").touch()
    assert replaced(out, runs) == names(runs.strategies)
    for name in ("comparison", "margin/palm_fit", "random/palm_fit"):
        (out / f"{name}.pdf").touch()
    figures = {name.replace(".png", ".pdf") for name in names(runs.strategies) if "png" in name}
    assert replaced(out, runs) == names(runs.strategies) | figures


def test_a_fit_of_other_runs_is_kept(out, runs, made_up):
    other = made_up.task({"coreset": (0.1, 0.2)})
    said = r"holds a fit of other runs \(margin, random\): name another folder .*--overwrite"
    with pytest.raises(DataError, match=said):
        check_fit_folder(out, other)
    check_fit_folder(out, other, overwrite=True)
    assert replaced(out, other, overwrite=True) == names(runs.strategies)
    changed = made_up.task({"margin": (0.11, 0.21)})  # of the same name, with other accuracies
    with pytest.raises(DataError, match="holds a fit of other runs"):
        check_fit_folder(out, changed)


@pytest.mark.parametrize("trace", [None, b"", b"no trace", "y"])
def test_files_without_a_fit_are_kept(tmp_path, runs, trace):
    for name in ("summary.csv", "palm_params.json"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    if trace == "y":
        xr.Dataset({"y": ("x", [1.0])}).to_netcdf(tmp_path / "trace.nc", engine="h5netcdf")
    elif trace is not None:
        (tmp_path / "trace.nc").write_bytes(trace)
    one = runs.strategy("margin")
    held = "trace.nc, summary.csv, palm_params.json" if trace is not None else "summary.csv, palm"
    with pytest.raises(DataError, match=rf"holds {held}.*, but no fit that can be read: name"):
        check_fit_folder(tmp_path, one)
    check_fit_folder(tmp_path, one, overwrite=True)
    assert replaced(tmp_path, one, overwrite=True) == set()
    check_fit_folder(tmp_path / "other", one)


def test_a_link_in_place_of_a_folder_is_refused(tmp_path, runs):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "margin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="margin is a symbolic link"):
        check_fit_folder(tmp_path / "out", runs)


def test_a_file_without_our_mark_is_kept(tmp_path):
    path = tmp_path / "report.html"
    refuse_foreign(path, b"palm_bayes", "choose another name")
    path.write_bytes(b"<html>mine</html>")
    with pytest.raises(DataError, match="is kept: choose another name, or add --overwrite"):
        refuse_foreign(path, b"palm_bayes", "choose another name")
    path.write_bytes(b"<html>palm_bayes</html>")
    refuse_foreign(path, b"palm_bayes", "choose another name")


def test_files_of_another_fit_are_listed(out):
    written = [out / name for name in names_of(["margin"], kinds=["png"])]
    left = [path.relative_to(out).as_posix() for path in left_over(out, written)]
    assert left == ["comparison.png", "margin/palm_params.json", "random/palm_params.json"]
    assert left_over(Path(out, "nowhere"), []) == []


def test_runs_are_the_same_by_their_accuracies_not_by_their_order(out, runs, made_up):
    turned = runs.select(["random", "margin"])
    assert replaced(out, turned) == names(runs.strategies)
    longer = made_up.task({"margin": (0.1,), "new": (0.5,)})
    assert replaced(out, longer) == names(runs.strategies)
