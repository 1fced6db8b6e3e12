"""Forecasts of accuracy: from the posterior, and from least-squares fits of curves."""
