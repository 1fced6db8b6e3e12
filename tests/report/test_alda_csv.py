"""ALDA's files."""

import pandas as pd

from palm_bayes.decisions.alda import ADVICE, FITS
from palm_bayes.decisions.label_budget import labels_to_reach
from palm_bayes.report.alda_csv import write_alda


def test_files_have_aldas_columns(four, tmp_path):
    found = labels_to_reach(four, 0.5, until=100, delta_target=0.1)
    fits, advice = (pd.read_csv(path) for path in write_alda(found, tmp_path / "alda"))
    assert list(fits)[: len(FITS)] == [*FITS]
    assert list(advice)[: len(ADVICE)] == [*ADVICE]
    assert fits["p_selected"].tolist() == [0.5, 0.5]
    assert fits["feasible"].tolist() == [True, True]
    assert advice["selected_B_abs"][0] == 60  # as likely as a, and feasible more often
    nowhere = write_alda(labels_to_reach(four, 1.0, until=60), tmp_path)
    assert pd.read_csv(nowhere[0])["B_abs"].isna().all()
    assert pd.read_csv(nowhere[1])["decision_reason"][0].startswith("infeasible")
