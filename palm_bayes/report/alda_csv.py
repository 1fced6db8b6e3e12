"""ALDA's files, computed from a posterior."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.alignment import mean_curve
from palm_bayes.decisions.alda import ADVICE, FITS
from palm_bayes.decisions.label_budget import LabelsToReach
from palm_bayes.errors import DataError
from palm_bayes.files import check_files, csv_text, put_all, start_of, text_file

# ALDA's wording of reasons.
_CHOSEN = "risk_aware_minimum_window_within_cost_competitive_set"
_NONE_FEASIBLE = "infeasible_fallback_highest_estimated_ceiling"


_NAMES = tuple(map(Path, ("alda_fits.csv", "alda_advice.csv")))


def check_alda(folder: Path, *, overwrite: bool = False) -> None:
    """Raise `DataError` if the files cannot be written, or are there without being our own."""
    check_files(folder, _NAMES)
    for path in (folder / name for name in _NAMES if not overwrite):
        # ALDA's own files have no probabilities.
        if path.is_file() and b"p_selected" not in start_of(path, 2_000):
            raise DataError(
                f"{path} was not written by palm-bayes, so it is kept: name another folder, or add "
                "--overwrite"
            )


def write_alda(needed: LabelsToReach, folder: Path) -> list[Path]:
    """Write ``alda_fits.csv`` and ``alda_advice.csv``, with ALDA's names and columns.

    ``B_abs`` and ``W`` are posterior medians, empty if a strategy is probably not feasible;
    parameters are those of `Posterior.representative`; "yes" means more probable than not.
    Further columns: ``p_feasible``, ``p_in_C_eta`` and ``p_selected``. Accuracies are in the user's
    own unit; of an error e they are 1 - e, in percent 100 - e, as ALDA's rule is for accuracies.

    Parameters
    ----------
    needed : LabelsToReach
    folder : pathlib.Path
        Created if needed.

    Returns
    -------
    list of pathlib.Path
    """
    texts = map(csv_text, (_fits(needed), _advice(needed)))
    return put_all(folder, dict(zip(_NAMES, map(text_file, texts), strict=True)))


def _feasible_costs(needed: LabelsToReach) -> pd.DataFrame:
    """Return `LabelsToReach.alda` without costs for strategies that are probably not feasible."""
    table = needed.alda.copy()
    table.loc[table["p_feasible"] < 0.5, ["B_abs", "W"]] = np.nan
    return table


def _fits(needed: LabelsToReach) -> pd.DataFrame:
    runs, ours = needed.fit.runs, _feasible_costs(needed).set_index("strategy")
    points, score = needed.fit.representative(), runs.score
    rows: list[dict[str, Any]] = []
    for name in runs.strategies:
        mean = mean_curve(runs.strategy(name)).y
        point, own = points.loc[name], ours.loc[name]
        ceiling, share = score.sizes(point["A_max"]), own["W"] / own["B_abs"]
        values = {
            "dataset": runs.dataset,
            "method": name,
            "points_used": len(mean),
            "budget_size": runs.batch,
            "observed_final_score": score.sizes(mean[-1]),
            "fit_status": "ok",
            **point[["delta", "alpha", "beta"]],
            "rmse": np.nan,
            "feasible": own["p_feasible"] >= 0.5,
            **dict.fromkeys(("a_max", "A_max"), ceiling),
            **dict.fromkeys(("b_abs", "B_abs"), own["B_abs"]),
            **dict.fromkeys(("deployment_window", "W"), own["W"]),
            **dict.fromkeys(("window_over_b_abs", "W_over_B_abs"), share),
            **dict.fromkeys(("cost_competitive", "in_C_eta"), own["p_competitive"] >= 0.5),
            "risky": own["p_risky"] >= 0.5,
        }
        chances = ("p_feasible", "p_competitive", "p_chosen")
        added = dict(zip(("p_feasible", "p_in_C_eta", "p_selected"), own[[*chances]], strict=True))
        rows.append({name: values[name] for name in FITS} | added)
    return pd.DataFrame(rows)


def _advice(needed: LabelsToReach) -> pd.DataFrame:
    table, score = _feasible_costs(needed), needed.fit.runs.score
    best: Any = next(table.itertuples(index=False))
    values = {
        "dataset": needed.fit.runs.dataset,
        "score_scale": "percent" if score.percent else "fraction",
        "target": score.sizes(score.fractions(needed.target)),
        "delta_target": needed.half_width,
        "eta": needed.eta,
        "selected_method": best.strategy,
        **dict.fromkeys(("selected_b_abs", "selected_B_abs"), best.B_abs),
        **dict.fromkeys(("selected_deployment_window", "selected_W"), best.W),
        "b_min": table["B_abs"].min(),
        "decision_reason": _CHOSEN if best.p_chosen > 0 else _NONE_FEASIBLE,
    }
    return pd.DataFrame([{name: values[name] for name in ADVICE} | {"p_selected": best.p_chosen}])
