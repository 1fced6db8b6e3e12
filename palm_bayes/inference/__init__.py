"""Inference: sampling, diagnostics, storage and updates of a posterior."""
