"""Quantiles of forecasts in tables, and the bands between them."""

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
QUANTILE_NAMES = [f"q{100 * p:g}" for p in QUANTILES]

BANDS = {50: ("q25", "q75"), 80: ("q10", "q90"), 95: ("q2.5", "q97.5")}
"""Names of the quantiles at both ends of a band, by its probability in percent."""
