"""Parts of `report.export` on their own; what a whole fit writes is in cli/test_fit.py."""

import json

import numpy as np

from palm_bayes.report import export


def test_plain_is_json():
    values = {"a": np.float64("nan"), "b": np.int64(3), "c": np.bool_(True), "d": -np.inf, "e": ""}
    expected = {"a": None, "b": 3, "c": True, "d": None, "e": ""}
    assert json.loads(json.dumps(export.plain(values), allow_nan=False)) == expected
