"""The notebooks: they run, and are stored with what a reader is to see."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_they_are_there():
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


@each
def test_outputs_are_stored(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    kinds = {output.output_type for output in outputs}
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert "error" not in kinds
    assert any("image/png" in output.get("data", {}) for output in outputs)
    said = [output.text for output in outputs if output.get("name") == "stderr"]
    assert said == []


@each
def test_no_path_of_a_machine_is_stored(path):
    assert re.findall(r"/(?:home|root|tmp|usr|work|Users)/[\w.-]+", path.read_text("utf-8")) == []


@pytest.mark.notebooks
@each
def test_it_runs(path):
    command = [sys.executable, ROOT / "scripts" / "run_notebooks.py", "--check", path.name]
    quick = {**os.environ, "PALM_BAYES_QUICK": "1"}
    before = path.read_bytes()
    done = subprocess.run(command, env=quick, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert path.read_bytes() == before
