"""The mutations of `benchmarks/mutations.py` still apply: their code and their tests are there."""

from pathlib import Path
from runpy import run_path

import pytest

ROOT = Path(__file__).parents[1]
FILE = ROOT / "benchmarks" / "mutations.py"

if not FILE.exists():
    pytest.skip("an unpacked copy of the package alone", allow_module_level=True)


@pytest.mark.parametrize("one", run_path(str(FILE))["MUTATIONS"], ids=lambda one: one.name)
def test_code_and_test_exist(one):
    assert (ROOT / "palm_bayes" / one.module).read_text(encoding="utf-8").count(one.code) == 1
    file, _, name = one.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
