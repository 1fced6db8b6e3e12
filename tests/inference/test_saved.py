"""Saved fits: they come back as they were, and nothing else is taken for one."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import arviz as az
import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.errors import DataError
from palm_bayes.inference.saved import written
from palm_bayes.palm_fit import PalmFit


@pytest.fixture
def saved(fit, tmp_path):
    return fit.save(tmp_path / "fit.nc")


def test_a_saved_fit_comes_back(fit, saved):
    loaded = PalmFit.load(str(saved))
    pd.testing.assert_frame_equal(loaded.runs.table, fit.runs.table, check_dtype=False)
    assert loaded.runs.sha256() == fit.runs.sha256()
    for name in ("batch", "score", "dataset", "model", "notes", "strategies"):
        assert getattr(loaded.runs, name) == getattr(fit.runs, name)
    assert dict(loaded.runs.origins) == dict(fit.runs.origins)
    assert loaded.convergence.sentence == fit.convergence.sentence
    pd.testing.assert_frame_equal(loaded.convergence.table, fit.convergence.table, rtol=1e-6)
    for group in ("posterior", "sample_stats", "log_likelihood", "constant_data"):
        xr.testing.assert_equal(loaded.trace[group].to_dataset(), fit.trace[group].to_dataset())
    pd.testing.assert_frame_equal(loaded.summary(), fit.summary())
    pd.testing.assert_frame_equal(loaded.representative(), fit.representative())
    for scope in ("expected", "continuing", "new"):
        one, two = (each.forecast(scope=scope, seed=3).to_frame() for each in (loaded, fit))
        pd.testing.assert_frame_equal(one, two, check_dtype=False)


def test_saving_needs_the_folder(fit, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        fit.save(tmp_path / "nowhere" / "fit.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_path_is_text_or_a_path(fit):
    with pytest.raises(DataError, match="path is of type int, but must be a path"):
        fit.save(3)
    with pytest.raises(DataError, match="path is of type NoneType, but must be a path"):
        PalmFit.load(None)
    with pytest.raises(DataError, match="path is of type int, but must be a path"):
        fit.report(3)


def test_a_folder_is_no_saved_fit(saved):
    with pytest.raises(DataError, match=r"is a folder: name the file, such as .*trace\.nc"):
        PalmFit.load(saved.parent)


def test_a_loaded_fit_can_be_saved_again(saved):
    again = PalmFit.load(saved).save(saved)
    assert again == saved
    assert PalmFit.load(again).convergence.passed


def test_origins_and_verdicts_that_fall_short_are_saved(fit, tmp_path):
    origins = {("random", "1"): "a/random_1.npy", ("entropy", "2"): "a/entropy_2.npy"}
    trace = fit.trace.copy()
    kept = json.loads(trace.attrs["palm_bayes"])
    kept["runs"]["origins"] = [[*run, file] for run, file in origins.items()]
    kept["convergence"][0] |= {"r_hat": None, "passed": False, "advice": "the chains did not move."}
    trace.attrs["palm_bayes"] = json.dumps(kept)
    loaded = PalmFit.load(PalmFit(fit.runs, trace, fit.convergence).save(tmp_path / "x.nc"))
    assert loaded.runs.origins == origins
    assert not loaded.convergence.passed
    assert loaded.convergence.sentence == "Not converged. random: the chains did not move."


def test_arviz_reads_the_file(fit, saved):
    read = az.from_netcdf(saved)
    np.testing.assert_array_equal(read["posterior"]["A_max"], fit.trace["posterior"]["A_max"])


@pytest.mark.parametrize("there", [False, True])
def test_a_save_that_fails_leaves_nothing_behind(fit, tmp_path, monkeypatch, there):
    target = tmp_path / "fit.nc"
    if there:
        target.write_text("an older fit")

    def fail(self, contents):
        with self.open("wb") as half:
            half.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(DataError, match=r"cannot write .*fit\.nc: No space left on device$"):
        fit.save(target)
    assert [path.name for path in tmp_path.iterdir()] == (["fit.nc"] if there else [])
    assert not there or target.read_text() == "an older fit"


def test_a_fit_is_read_as_xarray_reads_it(saved):
    with xr.open_datatree(saved, engine="h5netcdf") as tree:
        trace = PalmFit.load(saved).trace
        xr.testing.assert_identical(trace, tree.load())
        assert trace.groups == tree.groups  # in order


def test_a_save_leaves_one_file(fit, saved):
    assert [path.name for path in saved.parent.iterdir()] == ["fit.nc"]
    assert saved.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (None, "does not exist"),
        (b"", "is not a fit saved by palm_bayes"),
        (b"not netcdf at all", "is not a fit saved by palm_bayes"),
        ({}, "is not a fit saved by palm_bayes"),
        ({"palm_bayes": "not json"}, "is not a fit saved by palm_bayes"),
        ({"palm_bayes": "[]"}, "is not a fit saved by palm_bayes"),
        ({"palm_bayes": '{"runs": {}}'}, "is not a fit saved by palm_bayes"),
    ],
)
def test_what_is_not_a_fit_is_refused(tmp_path, contents, words):
    path = tmp_path / "other.nc"
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        other = xr.Dataset({"y": ("x", [1.0])}, attrs=contents)
        xr.DataTree.from_dict({"/": other}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(DataError, match=words) as caught:
        PalmFit.load(path)
    assert "other.nc" in str(caught.value)


@pytest.mark.parametrize("model", [1, None])  # the first models had none
def test_a_fit_of_another_model_says_so(saved, model):
    with xr.open_datatree(saved, engine="h5netcdf") as tree:
        older = tree.load()
    kept = json.loads(older.attrs["palm_bayes"]) | {"model": model}
    older.attrs["palm_bayes"] = json.dumps(kept)
    older.to_netcdf(saved, engine="h5netcdf")
    with pytest.raises(DataError, match="another version of the model: fit again"):
        PalmFit.load(saved)


def test_changed_data_are_noticed(saved):
    with xr.open_datatree(saved, engine="h5netcdf") as tree:
        changed = tree.load()
    changed["runs"]["accuracy"][3] += 1e-6
    changed.to_netcdf(saved, engine="h5netcdf")
    with pytest.raises(DataError, match=r"has been changed since it was saved: /runs$"):
        PalmFit.load(saved)


@pytest.mark.parametrize("where", [0, 1000, 0.3, 0.6, -200, -1])
@pytest.mark.parametrize("damage", ["changed", "cut"])
def test_any_byte_that_was_changed_is_noticed(saved, where, damage):
    """Before HDF5 reads the file, which raises anything for a damaged page, or nothing."""
    contents = bytearray(saved.read_bytes())
    place = int(where * len(contents)) if isinstance(where, float) else where % len(contents)
    contents[place] ^= 0x55
    saved.write_bytes(contents if damage == "changed" else contents[:place])
    with pytest.raises(DataError, match=r"has been changed since it was saved|is not a fit saved"):
        PalmFit.load(saved)


def test_a_fit_saved_before_there_was_a_checksum_is_read(fit, saved):
    contents = saved.read_bytes()
    saved.write_bytes(contents[: contents.rindex(b"\npalm_bayes sha256 ")])
    assert PalmFit.load(saved).runs.sha256() == fit.runs.sha256()


def test_damage_is_one_line_without_a_checksum_too(saved):
    whole = saved.read_bytes()
    whole = whole[: whole.rindex(b"\npalm_bayes sha256 ")]
    rng = np.random.default_rng(1)
    for _ in range(12):
        contents = np.frombuffer(whole, np.uint8).copy()
        at = rng.integers(len(contents) - 64)
        contents[at : at + 64] = rng.integers(256, size=64)
        saved.write_bytes(contents.tobytes())
        with contextlib.suppress(DataError):  # unused bytes may be changed
            PalmFit.load(saved)


def test_a_small_file_of_huge_arrays_is_refused_before_they_are_read(tmp_path):
    with h5py.File(tmp_path / "trace.nc", "w") as file:
        chunks = {"chunks": (10**6,), "compression": "gzip"}
        file.create_dataset("posterior/A_max", (10**11,), "f8", **chunks)  # of which none is stored
    with pytest.raises(DataError, match=r"trace.nc is not .* 0.0 MB hold arrays of 800,000 MB"):
        PalmFit.load(tmp_path / "trace.nc")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "trace.nc").open("wb") as file:
        file.truncate(10**13)  # of which no byte is on the disk
    with pytest.raises(DataError, match=r"trace.nc has more than 4 GB: it is no saved fit"):
        PalmFit.load(tmp_path / "trace.nc")


def rewrite(path, change):
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        trace = tree.load()
    change(trace)
    trace.to_netcdf(path, engine="h5netcdf")


def scale_draws(trace):
    trace["posterior"]["A_max"] = 1.05 * trace["posterior"]["A_max"]


def change_pointwise(trace):
    trace["log_likelihood"]["accuracy"] = trace["log_likelihood"]["accuracy"] + 1e-12


def rename_strategy(trace):
    trace["posterior"] = trace["posterior"].to_dataset().assign_coords(strategy=["random", "x"])


def drop_energy(trace):
    trace["sample_stats"] = trace["sample_stats"].to_dataset().drop_vars("energy")


def drop_group(trace):
    del trace["constant_data"]


def change_verdict(trace):
    kept = json.loads(trace.attrs["palm_bayes"])
    kept["convergence"][0]["passed"] = not kept["convergence"][0]["passed"]
    trace.attrs["palm_bayes"] = json.dumps(kept)


@pytest.mark.parametrize(
    ("change", "group"),
    [
        (scale_draws, "/posterior"),
        (change_pointwise, "/log_likelihood"),
        (rename_strategy, "/posterior"),
        (drop_energy, "/sample_stats"),
        (drop_group, "/constant_data"),
        (change_verdict, "/"),
    ],
)
def test_every_part_of_a_saved_fit_is_hashed(saved, change, group):
    rewrite(saved, lambda trace: None)
    PalmFit.load(saved)  # writing it anew changes nothing
    rewrite(saved, change)
    with pytest.raises(DataError, match=f"has been changed since it was saved: {group}$"):
        PalmFit.load(saved)


@pytest.mark.parametrize("hashes", [None, "no", "[1]", 3])
def test_a_fit_without_hashes_is_refused(saved, hashes):
    rewrite(saved, lambda trace: trace.attrs.pop("sha256"))
    if hashes is not None:
        rewrite(saved, lambda trace: trace.attrs.update(sha256=hashes))
    with pytest.raises(DataError, match="has no hashes of its contents: fit again"):
        PalmFit.load(saved)


@pytest.mark.parametrize("name", ["A_max", "beta", "rho", "curve", "misfit"])
def test_draws_that_cannot_be_used_are_refused(fit, tmp_path, name):
    trace = fit.trace.copy(deep=True)
    trace["posterior"][name][0, 3, 1] = np.nan
    path = tmp_path / "fit.nc"
    path.write_bytes(written(trace))
    words = f"draws of {name} are not finite for {fit.runs.strategies[1]}$"
    with pytest.raises(DataError, match=words):
        PalmFit.load(path)
    path.unlink()
    with pytest.raises(DataError, match=words):
        PalmFit(fit.runs, trace, fit.convergence).save(path)
    assert not path.exists()
    with pytest.raises(DataError, match=words):  # as the command line writes it
        PalmFit(fit.runs, trace, fit.convergence).to_bytes()
    trace["posterior"] = trace["posterior"].to_dataset().drop_vars(name)
    path.write_bytes(written(trace))
    with pytest.raises(DataError, match=f"holds no draws of {name}$"):
        PalmFit.load(path)


def test_a_damaged_byte_is_one_clear_error(saved):
    whole = saved.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole), 25):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        with contextlib.suppress(DataError):  # nothing else; and not every byte is read
            PalmFit.load(saved)
    saved.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"is not a fit saved by palm_bayes|has been changed"):
        PalmFit.load(saved)


def test_a_disk_that_is_full_is_one_line(saved, tmp_path):
    script = """
import resource, signal, sys
from pathlib import Path
from palm_bayes.__main__ import run
from palm_bayes.cli import app as cli
from palm_bayes.data.score import Score
from palm_bayes.palm_fit import PalmFit

fit = PalmFit.load(sys.argv[1])
def save(*, out):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    fit.save(out)
cli.app = lambda **_: save(out=sys.argv[2])
run()
"""
    folder = tmp_path / "full"
    folder.mkdir()
    command = [sys.executable, "-c", script, str(saved), str(folder / "trace.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    place = folder / "trace.nc"
    assert done.stderr == f"palm-bayes: error: cannot write {place}: File too large\n"
    assert done.returncode == 2
    assert list(folder.iterdir()) == []
