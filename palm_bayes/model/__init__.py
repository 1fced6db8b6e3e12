"""The PALM model: curve, noise, misfit and priors, as arrays and as a PyMC model."""
