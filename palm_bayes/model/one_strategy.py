"""Model of one strategy for the sampler: repetitions pooled, without a strategy axis.

It has the density of `palm_bayes.model.build.build_model`, up to rounding, and is faster: curve and
noise are computed once per x and step rather than per observation, by one operation.
"""

import pymc as pm
import pytensor.tensor as pt

from palm_bayes.arrays import Floats
from palm_bayes.model.build import curve_variable, noise_variables
from palm_bayes.model.curve_regions import Region
from palm_bayes.model.likelihood import LogLikelihood, register_in_numba
from palm_bayes.model.priors import Priors
from palm_bayes.model.steps import ROWS, ends_of
from palm_bayes.model.variables import VECTOR_COORDS


def build_pooled_model(priors: Priors, data: Floats, region: Region = "all") -> pm.Model:
    """Build the model of one strategy from its `palm_bayes.model.steps.pooled` data.

    Returns
    -------
    pymc.Model
        Free variables as in `palm_bayes.model.build.build_model`, without the dim strategy; one
        data variable, whose numbers of observations and steps may change.
    """
    register_in_numba()
    with pm.Model(coords=VECTOR_COORDS) as model:
        rows = pm.Data("steps", data, shape=(ROWS, None))
        ends = ends_of(rows)
        of_noise = noise_variables(priors, ends)
        vector = curve_variable(priors, region, ends, of_noise)
        parameters = pt.stack([*(vector[i] for i in range(4)), *of_noise])
        value, _ = LogLikelihood()(parameters, rows)
        pm.Potential("accuracy", pt.tensor_from_scalar(value))
    return model
