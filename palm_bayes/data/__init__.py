"""Runs: what they are, how they are read and checked, and some to try the package on."""

from palm_bayes.data.example import example_runs_path, write_example

__all__ = ["example_runs_path", "write_example"]
