"""Models of the benchmarks' own, sampled as the package samples its own."""

from typing import Any

import nutpie
import xarray as xr

from palm_bayes.inference.convergence import diagnose, e_bfmi
from palm_bayes.inference.settings import Settings

SETTINGS = Settings()


def sample(program: Any, parameters: list[str]) -> tuple[xr.Dataset, dict[str, Any]]:
    """Posterior of a compiled program, by the package's sampler and settings; and its verdict."""
    tree = nutpie.sample(
        program,
        draws=SETTINGS.draws,
        tune=SETTINGS.tune,
        chains=SETTINGS.chains,
        seed=SETTINGS.seed,
        target_accept=SETTINGS.target_accept,
        adaptation="low_rank",
        save_warmup=False,
        progress_bar=False,
    )
    posterior, stats = tree["posterior"].to_dataset()[parameters], tree["sample_stats"]
    return posterior, diagnose(posterior, int(stats["diverging"].sum()), e_bfmi(stats["energy"]))
