"""ALDA's files, computed from a posterior."""

from pathlib import Path

import numpy as np
import pandas as pd

from palm_bayes.data.alignment import mean_curve
from palm_bayes.decisions.alda import ADVICE, in_own_columns
from palm_bayes.decisions.label_budget import LabelsToReach
from palm_bayes.files import check_files, csv_text, put_all, text_file
from palm_bayes.report.place import refuse_foreign

# ALDA's wording of reasons.
_CHOSEN = "risk_aware_minimum_window_within_cost_competitive_set"
_NONE_FEASIBLE = "infeasible_fallback_highest_estimated_ceiling"
_CHANCES = ("p_feasible", "p_in_C_eta", "p_selected")
_NAMES = tuple(map(Path, ("alda_fits.csv", "alda_advice.csv")))


def check_alda(folder: Path, *, overwrite: bool = False) -> None:
    """Raise `DataError` if the files cannot be written, or are there without being our own."""
    check_files(folder, _NAMES)
    for path in (folder / name for name in _NAMES if not overwrite):
        # ALDA's own files have no probabilities.
        refuse_foreign(path, b"p_selected", "name another folder")


def write_alda(needed: LabelsToReach, folder: Path) -> list[Path]:
    """Write ``alda_fits.csv`` and ``alda_advice.csv``, with ALDA's names and columns.

    ``B_abs`` and ``W`` are posterior medians, empty if a strategy is probably not feasible;
    parameters are those of `Posterior.representative`; "yes" means more probable than not.
    Further columns: ``p_feasible``, ``p_in_C_eta`` and ``p_selected``. Accuracies are in the user's
    own unit; of an error e they are 1 - e, in percent 100 - e, as ALDA's rule is for accuracies.
    The folder is created if needed; the files' paths are returned.
    """
    tables = _fits(needed), _advice(needed)
    texts = (text_file(csv_text(table)) for table in tables)
    return put_all(folder, dict(zip(_NAMES, texts, strict=True)))


def _costs(needed: LabelsToReach) -> pd.DataFrame:
    """Return `LabelsToReach.alda` without costs for strategies that are probably not feasible."""
    table = needed.alda.set_index("strategy")
    table.loc[table["p_feasible"] < 0.5, ["B_abs", "W"]] = np.nan
    return table


def _fits(needed: LabelsToReach) -> pd.DataFrame:
    runs, score = needed.fit.runs, needed.fit.runs.score
    costs = _costs(needed).loc[[*runs.strategies]]
    points = needed.fit.representative().loc[[*runs.strategies]]
    means = [mean_curve(runs.strategy(name)).y for name in runs.strategies]
    chances = costs[["p_feasible", "p_competitive", "p_chosen"]].set_axis([*_CHANCES], axis=1)
    columns = points[["delta", "alpha", "beta"]].assign(
        dataset=runs.dataset,
        method=points.index,
        points_used=[len(mean) for mean in means],
        budget_size=runs.batch,
        observed_final_score=[score.sizes(mean[-1]) for mean in means],
        fit_status="ok",
        A_max=score.sizes(points["A_max"]),
        rmse=np.nan,
        feasible=costs["p_feasible"] >= 0.5,
        B_abs=costs["B_abs"],
        W=costs["W"],
        W_over_B_abs=costs["W"] / costs["B_abs"],
        in_C_eta=costs["p_competitive"] >= 0.5,
        risky=costs["p_risky"] >= 0.5,
    )
    return in_own_columns(columns).join(chances)


def _advice(needed: LabelsToReach) -> pd.DataFrame:
    table, score = _costs(needed), needed.fit.runs.score
    best = table.iloc[0]
    values = {
        "dataset": needed.fit.runs.dataset,
        "score_scale": "percent" if score.percent else "fraction",
        "target": score.sizes(score.fractions(needed.target)),
        "delta_target": needed.half_width,
        "eta": needed.eta,
        "selected_method": best.name,
        **dict.fromkeys(("selected_b_abs", "selected_B_abs"), best["B_abs"]),
        **dict.fromkeys(("selected_deployment_window", "selected_W"), best["W"]),
        "b_min": table["B_abs"].min(),
        "decision_reason": _CHOSEN if best["p_chosen"] > 0 else _NONE_FEASIBLE,
        "p_selected": best["p_chosen"],
    }
    return pd.DataFrame([values])[[*ADVICE, "p_selected"]]
