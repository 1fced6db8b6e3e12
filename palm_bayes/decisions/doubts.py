"""Doubts about fits: stop rules refuse to decide, other answers begin with a warning."""

from typing import TYPE_CHECKING

from palm_bayes.errors import listed

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

type Doubts = dict[str, tuple[str, ...]]
"""Reasons by strategy; only strategies with doubts."""

_MOST = 3  # strategies named in a sentence


def not_converged(fit: "Posterior", strategy: str) -> str | None:
    """Return the reason if the sampler has not converged."""
    row = fit.convergence.table.loc[strategy]
    return None if row["passed"] else f"not converged, {str(row['advice']).rstrip('.')}"


def not_described(fit: "Posterior", strategy: str) -> str | None:
    """Return the finding if PALM does not describe the curve, such as one that falls."""
    row = fit.predictive_check.table.loc[strategy]
    return None if row["passed"] else f"PALM does not describe the curve, {row['finding']}"


def doubts_of(fit: "Posterior") -> Doubts:
    """List reasons against relying on the fits, by strategy."""
    reasons = {
        name: tuple(filter(None, (not_converged(fit, name), not_described(fit, name))))
        for name in fit.runs.strategies
    }
    return {name: why for name, why in reasons.items() if why}


def with_warning(doubts: Doubts, sentence: str) -> str:
    """Prefix a sentence with a warning if there are doubts about the fits."""
    if not doubts:
        return sentence
    why = listed((f"{name}: {'; '.join(texts)}" for name, texts in doubts.items()), _MOST)
    return f"Do not rely on this ({why}). {sentence}"
