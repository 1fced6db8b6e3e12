"""
Where the uncertainty comes from
================================

The standard deviation of a new repetition's accuracy, by source. More data narrow the parameters
only; the misfit is what real curves do beyond PALM's; the noise is that of one measured accuracy.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
figure = fit.plot_uncertainty(horizon=18)
