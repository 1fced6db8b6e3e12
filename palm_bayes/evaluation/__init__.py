"""Evaluation of forecasts on later data, and learning from past curves."""
