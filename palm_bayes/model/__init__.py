"""The PALM model: curve, noise, misfit and priors, as arrays and as a PyMC model."""

from palm_bayes.caches import ensure_cache

ensure_cache()  # before PyTensor or Matplotlib is imported
