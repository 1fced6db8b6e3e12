"""Fits where the home folder is missing or cannot be written to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from palm_bayes import caches
from palm_bayes.caches import ensure_cache
from palm_bayes.errors import PalmError, PalmWarning


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Forget that PyTensor is imported, and that the folders were ensured."""
    monkeypatch.delitem(sys.modules, "pytensor", raising=False)
    for name in ("PYTENSOR_FLAGS", "PYTENSORRC", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "")  # so that it is as before after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTENSOR_FLAGS", "")
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(caches.sysconfig, "get_path", lambda _: str(tmp_path))
    (tmp_path / "Python.h").touch()
    ensure_cache.cache_clear()
    yield tmp_path
    ensure_cache.cache_clear()


def test_a_missing_home_is_said_once_and_not_made(fresh):
    with pytest.warns(PalmWarning, match="cannot be written to: compiled programs are kept in"):
        ensure_cache()
    ensure_cache()
    folder = Path(os.environ["PYTENSOR_FLAGS"].removeprefix("base_compiledir="))
    assert folder == fresh / f"palm_bayes-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Path(os.environ["MPLCONFIGDIR"]).parent == folder
    assert not (fresh / "missing").exists()


def test_a_home_that_can_be_written_to_is_kept(fresh, monkeypatch):
    monkeypatch.setenv("HOME", str(fresh))
    ensure_cache()
    assert os.environ["PYTENSOR_FLAGS"] == ""


@pytest.mark.parametrize("flags", ["base_compiledir=/x", "device=cpu,compiledir=/x"])
def test_ones_own_folder_comes_first(fresh, monkeypatch, flags):
    monkeypatch.setenv("PYTENSOR_FLAGS", flags)
    ensure_cache()
    assert os.environ["PYTENSOR_FLAGS"] == flags


def test_without_the_headers_of_python_nothing_is_compiled_in_c(fresh, monkeypatch):
    monkeypatch.setenv("HOME", str(fresh))
    (fresh / "Python.h").unlink()
    ensure_cache()
    assert os.environ["PYTENSOR_FLAGS"] == "cxx="
    ensure_cache.cache_clear()
    monkeypatch.setenv("PYTENSOR_FLAGS", "gcc__cxxflags=-O2")
    ensure_cache()
    assert os.environ["PYTENSOR_FLAGS"] == "gcc__cxxflags=-O2,cxx="
    ensure_cache.cache_clear()
    monkeypatch.setenv("PYTENSOR_FLAGS", "device=cpu,cxx=/usr/bin/clang++")
    ensure_cache()
    assert os.environ["PYTENSOR_FLAGS"] == "device=cpu,cxx=/usr/bin/clang++"


@pytest.mark.parametrize("planted", ["link", "open", "file", "nothing"])
def test_a_folder_that_others_could_write_to_is_not_used(fresh, planted):
    """What is in it is executed."""
    there = fresh / f"palm_bayes-{os.getuid()}"
    if planted == "link":
        (fresh / "theirs").mkdir()
        there.symlink_to(fresh / "theirs")
    elif planted == "nothing":
        there.symlink_to(fresh / "missing")
    elif planted == "file":
        there.touch()
    else:
        there.mkdir()
        there.chmod(0o777)
    with pytest.warns(PalmWarning):
        ensure_cache()
    used = os.environ["PYTENSOR_FLAGS"].removeprefix("base_compiledir=")
    assert Path(used) != there
    assert Path(used).stat().st_mode & 0o777 == 0o700


def test_the_usual_folder_of_windows_is_that_of_pytensor(fresh, monkeypatch):
    monkeypatch.setattr(caches.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "local")
    assert caches._usual_folder() == Path("local", "PyTensor")
    monkeypatch.delenv("LOCALAPPDATA")
    assert caches._usual_folder() == Path.home() / ".pytensor"


def test_an_empty_home_is_the_working_directory_as_for_pytensor(monkeypatch):
    monkeypatch.setenv("HOME", "")
    assert caches._usual_folder() == Path(".pytensor")


def test_no_folder_at_all_is_one_line(fresh, monkeypatch):
    monkeypatch.setattr(caches.tempfile, "tempdir", "/dev/null/x")
    with pytest.raises(PalmError, match="set PYTENSOR_FLAGS=base_compiledir=FOLDER"):
        ensure_cache()


def test_pytensor_is_imported_all_the_same(tmp_path):
    code = """import palm_bayes.model, pytensor
print(pytensor.config.base_compiledir)"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HOME": "/dev/null/x", "TMPDIR": str(tmp_path), "PYTENSOR_FLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(tmp_path / f"palm_bayes-{os.getuid()}")
    assert found.stderr.count("PalmWarning") == 1
