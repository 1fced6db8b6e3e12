"""Figures of tables and arrays."""

from palm_bayes.caches import ensure_cache

ensure_cache()  # before PyTensor or Matplotlib is imported
