"""Why fits cannot be relied on: stop rules refuse them, other answers begin with a warning."""

from typing import TYPE_CHECKING

from palm_bayes.errors import listed

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

type Doubts = dict[str, tuple[str, ...]]
"""By strategy; without those that there is nothing against."""

_MOST = 3  # strategies told of in a sentence


def not_converged(fit: "Posterior", strategy: str) -> str | None:
    """Say so if the sampler has not converged."""
    row = fit.convergence.table.loc[strategy]
    return None if row["passed"] else f"not converged, {str(row['advice']).rstrip('.')}"


def not_described(fit: "Posterior", strategy: str) -> str | None:
    """Say so if the curve does what PALM's do not: falls, above all."""
    row = fit.predictive_check.table.loc[strategy]
    return None if row["passed"] else f"PALM does not describe the curve, {row['finding']}"


def doubts_of(fit: "Posterior") -> Doubts:
    """Why the fits of strategies cannot be relied on."""
    told = {
        name: tuple(filter(None, (not_converged(fit, name), not_described(fit, name))))
        for name in fit.runs.strategies
    }
    return {name: why for name, why in told.items() if why}


def warned(doubts: Doubts, sentence: str) -> str:
    """Put a warning before a sentence that rests on fits which cannot be relied on."""
    if not doubts:
        return sentence
    why = listed((f"{name}: {'; '.join(texts)}" for name, texts in doubts.items()), _MOST)
    return f"Do not rely on this ({why}). {sentence}"
