"""Fixtures that more than one test file needs."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def curves_dir() -> Path:
    """Return the folder of real curves, too large to commit; its tests are skipped without it."""
    named = os.environ.get("PALM_BAYES_CURVES")
    if not named:
        pytest.skip("PALM_BAYES_CURVES does not name a folder of curves (make slow CURVES=dir)")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"PALM_BAYES_CURVES is {named!r}, which is not a folder")
    return folder
