"""Temporary folders, and exchanges of sets of files that are killed on the way."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from palm_bayes import files, scratch


def write(text):
    return lambda path: path.write_text(text, encoding="utf-8")


def found_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


SET = {"trace": "old", "curves": "old", "margin/y": "old"}


NEXT = {"trace": "new", "curves": "new", "random/y": "new"}


def put(out, texts, gone=()):
    named = {Path(name): write(text) for name, text in texts.items()}
    return files.put_all(out, named, lambda: [Path(name) for name in gone])


KILLED = """
import os, sys
from pathlib import Path
from palm_bayes import files

replace, left = Path.replace, [int(sys.argv[2])]

def failing(source, target):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return replace(source, target)

Path.replace = failing
names = [Path(name) for name in ("trace", "curves", "random/y")]
write = lambda path: path.write_text("new", encoding="utf-8")
gone = lambda: [Path(name) for name in ("trace", "curves", "margin/y")]
files.put_all(Path(sys.argv[1]), dict.fromkeys(names, write), gone)
"""


@pytest.mark.parametrize("moves", range(8))
def test_a_killed_exchange_never_mixes_sets_and_is_completed(tmp_path, moves):
    """The plan is the first move: before it all is as it was, after it the set is to be written."""
    put(tmp_path, SET)
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(moves)], check=False)
    assert done.returncode == (9 if moves < 7 else 0)
    shown = {k: v for k, v in found_in(tmp_path).items() if not k.startswith(".palm_bayes-")}
    assert shown.items() <= SET.items() or shown.items() <= NEXT.items()
    assert "trace" not in shown or shown in (SET, NEXT)
    for folder in tmp_path.glob(".palm_bayes-*"):
        if folder.is_dir() and not (folder / "lock").exists():
            os.utime(folder, (0, 0))
    scratch.tidy(tmp_path)
    files.put(tmp_path / "other", write("x"))
    (tmp_path / ".palm_bayes-lock").unlink(missing_ok=True)
    assert found_in(tmp_path) == (SET if moves < 1 else NEXT) | {"other": "x"}


def test_scratch_folders_of_the_dead_are_removed_those_of_the_living_are_not(tmp_path):
    names = ("dead", "living", "old", "young", "not-ours")
    folders = {name: tmp_path / f".palm_bayes-{name}" for name in names}
    folders["not-ours"] = tmp_path / ".palm_bayes"
    for folder in folders.values():
        folder.mkdir()
        (folder / "draft").touch()
    (folders["dead"] / "lock").touch()
    (tmp_path / ".palm_bayes-link").symlink_to(folders["not-ours"])
    os.utime(folders["old"], (time.time() - 100,) * 2)
    with FileLock(folders["living"] / "lock"):
        scratch.tidy(tmp_path)
        there = {name for name, folder in folders.items() if folder.exists()}
    assert there == {"living", "young", "not-ours"}
    assert (tmp_path / ".palm_bayes-link" / "draft").exists()


@pytest.mark.parametrize("plan", ["no json", '{"new": ["../../mine"], "gone": []}', "[1]"])
def test_a_plan_leads_nowhere_else(tmp_path, plan):
    folder = tmp_path / "out" / ".palm_bayes-dead"
    (folder / "new").mkdir(parents=True)
    (folder / "plan.json").write_text(plan, encoding="utf-8")
    (folder / "lock").touch()
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    scratch.tidy(tmp_path / "out")
    assert found_in(tmp_path) == {"mine": "mine"}


def test_files_have_the_permissions_of_any_new_one(tmp_path):
    """On Windows, those in a folder of `tempfile.mkdtemp` keep its own when they are moved."""
    (tmp_path / "usual").mkdir()
    with scratch.scratch_in(tmp_path) as drafts:
        assert drafts.parent.stat().st_mode == (tmp_path / "usual").stat().st_mode


class OfWindows(FileLock):
    """Lock whose file can be removed only by its release, which does that."""

    def _release(self):
        super()._release()
        Path(self.lock_file).unlink(missing_ok=True)


def test_nothing_is_left_where_an_open_file_cannot_be_removed(tmp_path, monkeypatch):
    def rmtree(folder, *, ignore_errors):
        for path in folder.iterdir():
            if path.name != "lock":
                path.unlink()

    folder = tmp_path / ".palm_bayes-dead"
    folder.mkdir()
    (folder / "draft").touch()
    (folder / "lock").touch()
    monkeypatch.setattr(scratch, "FileLock", OfWindows)
    monkeypatch.setattr(scratch.shutil, "rmtree", rmtree)
    scratch.tidy(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_being_read_is_replaced_a_moment_later(tmp_path, monkeypatch):
    replace, refused = Path.replace, []

    def busy(source, target):
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "Permission denied")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(scratch, "_PAUSE", 0)
    with pytest.raises(files.WriteError):
        files.put(tmp_path / "run", write("new"))
    monkeypatch.setattr(scratch, "_TRIES", 3)  # as on Windows
    refused.clear()
    files.put(tmp_path / "run", write("new"))
    assert found_in(tmp_path) == {"run": "new"}
