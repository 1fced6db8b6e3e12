"""Inference: sampling, diagnostics, storage and updates of a posterior."""

from palm_bayes.caches import ensure_cache

ensure_cache()  # before PyTensor or Matplotlib is imported
