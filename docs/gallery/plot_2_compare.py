"""
Which strategy, at which budget
===============================

Left, each strategy against the best at the budget ``at``. Differences in the grey band count as
none. Right, the probability of being the best, at every budget. Beyond the vertical line it is a
forecast.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
compared = fit.compare(at=240)
figure = compared.plot()

# %%
print(compared.sentence)
