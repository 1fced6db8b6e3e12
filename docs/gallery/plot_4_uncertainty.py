"""
Where the uncertainty comes from
================================

The standard deviation of a new repetition's accuracy, by source. More data narrow the parameters
only. Misfit is the deviation of real curves from PALM's. Noise is that of one measured accuracy.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
figure = fit.plot_uncertainty(horizon=18)
