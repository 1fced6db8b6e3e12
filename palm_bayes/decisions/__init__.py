"""Decisions from a posterior: choice of strategy, labels needed, stopping."""
