"""Accuracies past the data: the posterior's, and those of curves fitted by least squares."""
