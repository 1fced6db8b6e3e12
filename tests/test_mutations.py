"""The mutations of `benchmarks/mutations.py` still apply: their code and their tests are there."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILE = ROOT / "benchmarks" / "mutations.py"

if not FILE.exists():
    pytest.skip("an unpacked copy of the package alone", allow_module_level=True)


def mutations():
    spec = importlib.util.spec_from_file_location("mutations", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTATIONS


@pytest.mark.parametrize("one", mutations(), ids=lambda one: one.name)
def test_code_and_test_exist(one):
    assert (ROOT / "palm_bayes" / one.module).read_text(encoding="utf-8").count(one.code) == 1
    file, _, name = one.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
