"""Does a quick test notice when the model, a forecast or a decision is made wrong on purpose?

python benchmarks/mutations.py

Each mutation replaces one piece of code in a copy of the tree, and runs the test that should fail.
Code that is no longer found is an error: then the mutation has to follow the code.
"""

import argparse
import contextlib
import importlib
import io
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("palm_bayes", "tests", "docs", "scripts", "notebooks", "benchmarks")
FAILED = 1  # exit status of pytest if tests ran and failed; others mean that they did not run
BROKEN = 3  # pytest's status of an internal error
SLOWEST = 600  # seconds
# What the tests take long to import.
LIBRARIES = ("pytest", "pymc", "arviz", "pandas", "scipy.stats")


class Mutation(NamedTuple):
    """A fault, the code that it replaces in a module, and the test that should fail."""

    name: str
    module: str
    code: str
    wrong: str
    test: str


MUTATIONS = (
    # Density and sampler.
    Mutation(
        "Jacobian: units of the coordinates left out",
        "model/coordinates.py",
        " - v_less_u_lo + sum(log_units)",
        " - v_less_u_lo",
        "model/test_coordinates.py::test_log_jacobian_is_that_of_finite_differences",
    ),
    Mutation(
        "Jacobian: term of alpha left out",
        "model/coordinates.py",
        "of_alpha = pt.log(width) + log_sigmoid_slope(z4) - pt.log(L)",
        "of_alpha = pt.log(width) + log_sigmoid_slope(z4)",
        "model/test_coordinates.py::test_log_jacobian_is_that_of_finite_differences",
    ),
    Mutation(
        "Jacobian: term of rho and the lasting share left out",
        "model/noise_coordinates.py",
        "of_parts = pt.log(t) + log_sigmoid_slope(value[..., 1])",
        "of_parts = log_sigmoid_slope(value[..., 1])",
        "model/test_noise_coordinates.py::test_charts_of_shares_are_bijections_with_their_jacobian",
    ),
    Mutation(
        "Prior: Jacobian of log u left out",
        "model/priors.py",
        "pm.logp(share, -pt.expm1(-pt.exp(log_k))) + log_k - pt.exp(log_k)",
        "pm.logp(share, -pt.expm1(-pt.exp(log_k)))",
        "model/test_priors.py::test_default_density_is_scipys",
    ),
    Mutation(
        "Likelihood left out of the sampled model",
        "model/one_strategy.py",
        'pm.Potential("accuracy", pt.tensor_from_scalar(value))',
        'pm.Potential("accuracy", 0 * pt.tensor_from_scalar(value))',
        "model/test_one_strategy.py::test_density_and_gradient_are_those_of_the_model",
    ),
    Mutation(
        "Likelihood: noise doubled",
        "model/noise.py",
        "return xp.sqrt(noise**2 * (shrinking",
        "return 2 * xp.sqrt(noise**2 * (shrinking",
        "model/test_noise.py::test_noise_is_what_lasts_and_what_passes",
    ),
    Mutation(
        "Likelihood: noise doubled in the sampler's operation only",
        "model/likelihood_passes.py",
        "per_sd[x] = 1 / at.sd[x]",
        "per_sd[x] = 1 / (2 * at.sd[x])",
        "model/test_likelihood.py::test_value_is_that_of_the_definition",
    ),
    Mutation(
        "Likelihood: sign of the autocorrelation",
        "model/noise.py",
        "return values - carried * before",
        "return values + carried * before",
        "model/test_noise.py::test_log_density_is_that_of_a_dense_normal",
    ),
    Mutation(
        "Likelihood: sign of the autocorrelation in the sampler's operation only",
        "model/likelihood_passes.py",
        "left = residual[i] - links.carried[k] * residual[i - 1]",
        "left = residual[i] + links.carried[k] * residual[i - 1]",
        "model/test_likelihood.py::test_value_is_that_of_the_definition",
    ),
    Mutation(
        "Likelihood: slope by the autocorrelation",
        "model/likelihood_passes.py",
        "by_links.carried[k] + by_links.sharper[k] * carried",
        "by_links.carried[k] - by_links.sharper[k] * carried",
        "model/test_likelihood.py::test_slopes_are_those_of_differences",
    ),
    Mutation(
        "Likelihood: slope by the noise's fall over the data",
        "model/likelihood_passes.py",
        "by_fall -= by_power * power * fall / span",
        "by_fall += by_power * power * fall / span",
        "model/test_likelihood.py::test_slopes_are_those_of_differences",
    ),
    Mutation(
        "Likelihood: slope by what earlier steps say of the offset",
        "model/likelihood_passes.py",
        "by_links.weight[before] += 2 * by_information",
        "by_links.weight[before] += by_information",
        "model/test_likelihood.py::test_slopes_are_those_of_differences",
    ),
    Mutation(
        "Sampler: draws of chains that disagree are kept",
        "inference/nuts.py",
        'or not found.verdict["r_hat"] <= R_HAT_MOST',
        "",
        "inference/test_nuts.py::test_draws_before_smaller_steps_are_kept_if_chains_agree",
    ),
    Mutation(
        "Data: runs with unlike pasts share a step",
        "model/steps.py",
        "before = step[-1] if lag > 0 else 0",
        "before = 0",
        "model/test_one_strategy.py::test_steps_that_differ_are_told_apart",
    ),
    Mutation(
        "Likelihood: repetitions independent",
        "model/noise.py",
        "expected = shared * earlier / known",
        "expected = 0 * shared * earlier / known",
        "model/test_noise.py::test_log_density_is_that_of_a_dense_normal",
    ),
    Mutation(
        "Likelihood: offset of a repetition left out",
        "model/noise.py",
        "return noise * xp.sqrt((1 - TRANSIENT) * lasting)",
        "return 0 * noise * xp.sqrt((1 - TRANSIENT) * lasting)",
        "model/test_noise.py::test_noise_is_what_lasts_and_what_passes",
    ),
    Mutation(
        "Data: x off by one batch in the model",
        "model/variables.py",
        "x, accuracy = aligned_x(table), ",
        "x, accuracy = aligned_x(table) + 1, ",
        "model/test_variables.py::test_observations_are_flat_and_in_order",
    ),
    Mutation(
        "Data: autocorrelation runs on from one repetition to the next",
        "model/noise.py",
        "return rho**lag * (lag > 0)",
        "return rho**lag",
        "model/test_noise.py::test_autocorrelation",
    ),
    Mutation(
        "Data: percent not converted",
        "data/score.py",
        "fractions: T = cast(\"Any\", values) / self.unit",
        "fractions: T = cast(\"Any\", values) / 1.0",
        "data/test_runs.py::test_percent_is_recognised_and_said",
    ),
    Mutation(
        "Data: standard deviations taken for standard errors of means",
        "reading/means.py",
        "error = (error / np.sqrt(count)).where(count > 1)",
        "error = error.where(count > 1)",
        "reading/test_means.py::test_percent_and_errors_rates_are_fractions_that_rise",
    ),
    Mutation(
        "Known noise: one standard error as uncertain as another over the first",
        "model/known_noise.py",
        "both = float(np.sqrt(2)) * width",
        "both = width",
        "model/test_known_noise.py::test_few_repetitions_tell_less",
    ),
    Mutation(
        "Known noise: left out of the fit",
        "model/known_noise.py",
        "if STANDARD_ERROR not in table:",
        "if True:",
        "inference/test_fitting.py::test_the_noise_is_that_of_the_means",
    ),
    # Regions.
    Mutation(
        "Evidence of a region: sign of the density",
        "inference/evidence.py",
        "_log_mixture(points[:, known], points[:, new]) - log_density[:, new]",
        "_log_mixture(points[:, known], points[:, new]) + log_density[:, new]",
        "inference/test_evidence.py::test_evidence_is_the_integral",
    ),
    Mutation(
        "Evidence of a region: truncated normals not normalised",
        "inference/evidence.py",
        "np.where(inside, log_density - kept, -np.inf)",
        "np.where(inside, log_density, -np.inf)",
        "inference/test_evidence.py::test_evidence_is_the_integral",
    ),
    Mutation(
        "Regions joined in equal parts",
        "inference/evidence.py",
        "weights = softmax(logs)",
        "weights = softmax(np.zeros(len(logs)))",
        "inference/test_evidence.py::test_parts_take_their_shares",
    ),
    Mutation(
        "Regions overlap",
        "model/curve_regions.py",
        "return -first + (xp.log",
        "return 0 * first + (xp.log",
        "model/test_curve_regions.py::test_shares_add_up",
    ),
    # Learning.
    Mutation(
        "Learning: draws weighted by the old prior over the new one",
        "evaluation/held_out.py",
        "_log_density(value, new) - _log_density(value, old)",
        "_log_density(value, old) - _log_density(value, new)",
        "evaluation/test_held_out.py::test_weighted_draws_are_those_of_the_other_prior",
    ),
    Mutation(
        "Learning: sign of the noise that carries on",
        "evaluation/held_out.py",
        "shift[:, at] = later",
        "shift[:, at] = -later",
        "evaluation/test_held_out.py::test_what_is_scored_is_the_forecast",
    ),
    Mutation(
        "Learning: offset of a repetition left out",
        "evaluation/held_out.py",
        "shift[:, at] += kept",
        "shift[:, at] += 0 * kept",
        "evaluation/test_held_out.py::test_what_is_scored_is_the_forecast",
    ),
    # Refits.
    Mutation(
        "Refit: weights left out",
        "inference/importance_refit.py",
        "which = resampled(np.exp(log_weights))",
        "which = resampled(np.ones_like(log_weights))",
        "inference/test_importance_refit.py::test_weights_are_those_of_plain_numpy",
    ),
    Mutation(
        "Refit: the earlier likelihood counted twice",
        "inference/importance_refit.py",
        "log_ratios = terms.sum(axis=-1) - earlier + log_stretch",
        "log_ratios = terms.sum(axis=-1) + log_stretch",
        "inference/test_importance_refit.py::test_weights_are_those_of_plain_numpy",
    ),
    Mutation(
        "Refit: the prior at the moved noise left out",
        "inference/importance_refit.py",
        "log_ratios += _log_prior(new, now, priors) - _log_prior(old, before, earlier_priors)",
        "log_ratios += 0.0",
        "inference/test_importance_refit.py::test_weights_are_those_of_plain_numpy",
    ),
    Mutation(
        "Refit: the new noise in the unit of the earlier data",
        "inference/importance_refit.py",
        "_log_prior(new, now, priors)",
        "_log_prior(new, before, priors)",
        "inference/test_importance_refit.py::test_weights_are_those_of_plain_numpy",
    ),
    Mutation(
        "Refit: Jacobian of moving the noise left out",
        "inference/importance_refit.py",
        "- earlier + log_stretch",
        "- earlier",
        "inference/test_importance_refit.py::test_weights_are_those_of_plain_numpy",
    ),
    Mutation(
        "Refit: unreliable weights used",
        "inference/weights.py",
        "PARETO_K_MOST = 0.7",
        "PARETO_K_MOST = 70.0",
        "inference/test_importance_refit.py::test_weights_that_are_unreliable_are_not_used",
    ),
    # Pooling.
    Mutation(
        "Pooling: sign of the gain",
        "inference/joint.py",
        "partial_pooling.Curves(later - end, level)",
        "partial_pooling.Curves(end - later, level)",
        "inference/test_joint.py::test_what_is_pooled_is_gain_and_level_of_the_curve",
    ),
    Mutation(
        "Pooling: level at the first x",
        "inference/joint.py",
        "xr.DataArray([until, last,",
        "xr.DataArray([first, last,",
        "inference/test_joint.py::test_what_is_pooled_is_gain_and_level_of_the_curve",
    ),
    Mutation(
        "Pooling: gains left out",
        "inference/partial_pooling.py",
        "density = of_gain.T @ of_level",
        "density = (0 * of_gain + 1).T @ of_level",
        "inference/test_partial_pooling.py::test_it_is_the_posterior_of_the_hierarchy",
    ),
    Mutation(
        "Pooling: the likelihood stays with other draws",
        "inference/joint.py",
        "return Sample(posterior, sample.stats, terms,",
        "return Sample(posterior, sample.stats, sample.log_likelihood,",
        "inference/test_joint.py::test_what_is_picked_stays_together",
    ),
    # Misfit and forecasts.
    Mutation(
        "Misfit left out of forecasts",
        "forecast/forecast.py",
        "    if of_misfit is not None:",
        "    if False:",
        "forecast/test_forecast.py::test_expected_is_palms_curve_and_misfit",
    ),
    Mutation(
        "Noise in common past the data as within them",
        "forecast/forecast.py",
        "0 * t if misfit is None else",
        "0 * t if True else",
        "forecast/test_forecast.py::test_continuing_repetitions_share_their_noise",
    ),
    Mutation(
        "Learning: noise in common past the data left out",
        "evaluation/held_out.py",
        "misfit.becomes_shared(self.t) * self.own",
        "0 * misfit.becomes_shared(self.t) * self.own",
        "evaluation/test_held_out.py::test_what_is_scored_is_the_forecast",
    ),
    Mutation(
        "Pool: strategies do not meet where it ends",
        "model/misfit.py",
        "weight = share**_POOL_POWER",
        "weight = 0 * share**_POOL_POWER",
        "test_pool.py::test_strategies_meet_where_the_pool_ends",
    ),
    Mutation(
        "Pool: curves fall before its end",
        "model/misfit.py",
        "return _lowest_from_here(xp.maximum(reached, start), xp)",
        "return xp.maximum(reached, start)",
        "model/test_misfit.py::test_a_curve_does_not_fall_to_the_end_of_the_pool",
    ),
    Mutation(
        "Pool: it may end below present levels",
        "inference/joint.py",
        'np.maximum(log_odds(levels).max("strategy"), mixed)',
        'np.minimum(log_odds(levels).max("strategy"), mixed)',
        "test_pool.py::test_the_end_is_the_mixture_of_the_strategies_own_forecasts",
    ),
    Mutation(
        "Misfit: growth by the gain left out",
        "model/misfit.py",
        "t**self.power + self.by_gain * gain",
        "t**self.power",
        "model/test_misfit.py::test_growth_is_of_noise_labels_and_gain",
    ),
    Mutation(
        "Misfit: counted from the first x, not the last",
        "model/expected.py",
        't = np.log((without["x"] / x_last)',
        't = np.log((without["x"] / x_first)',
        "forecast/test_forecast.py::test_expected_is_palms_curve_and_misfit",
    ),
    Mutation(
        "Misfit: nothing in common to the strategies",
        "model/misfit.py",
        "return np.asarray(mixed(task, own, share))",
        "return np.asarray(mixed(task, own, 0 * share))",
        "model/test_misfit.py::test_normals_are_standard_and_have_a_share_in_common",
    ),
    Mutation(
        "Misfit: curves may fall",
        "model/misfit.py",
        "return np.maximum.accumulate(values, axis=-1)",
        "return values",
        "model/test_misfit.py::test_curves_do_not_fall",
    ),
    Mutation(
        "Horizon off by one batch",
        "data/budgets.py",
        "seen[-1] + np.arange(1, ahead + 1)",
        "seen[-1] + np.arange(1, ahead)",
        "forecast/test_forecast.py::test_horizon_counts_from_the_last_episode_of_all",
    ),
    Mutation(
        "Labels ahead off by one batch",
        "data/budgets.py",
        "interpolated(at, points.index, points, 1.0)",
        "interpolated(at, points.index, points, 1.0) + 1",
        "forecast/test_forecast.py::test_grid_where_the_pool_is_not_a_batch",
    ),
    Mutation(
        "Predictive check: simulated repetitions without autocorrelation",
        "model/noise.py",
        "before = carried[..., i] * before + left[..., i] * innovation",
        "before = innovation",
        "model/test_noise.py::test_simulated_runs_have_the_moments_of_the_density",
    ),
    Mutation(
        "Forecast: new repetitions without autocorrelation",
        "forecast/repetitions.py",
        "return np.asarray(carried * value(before) + np.sqrt(1 - carried**2) * fresh)",
        "return fresh",
        "forecast/test_forecast.py::test_new_repetitions_are_autocorrelated",
    ),
    Mutation(
        "Forecast: a repetition does not go on from where it stands",
        "forecast/repetitions.py",
        "carried * (transient - last)",
        "carried * (0 - last)",
        "forecast/test_forecast.py::test_continuing_starts_where_the_repetition_stands",
    ),
    Mutation(
        "Forecast: the offset of a repetition is not that of its data",
        "forecast/repetitions.py",
        "weighted_sum / certain + ",
        "",
        "forecast/test_repetitions.py::test_runs_go_on_from_their_past_as_the_dense_normal_says",
    ),
    Mutation(
        "Forecast: draws depend on what else is requested",
        "forecast/repetitions.py",
        "np.random.default_rng([seed, 1 + place])",
        "np.random.default_rng([seed, 1 + value.cache_info().currsize])",
        "forecast/test_repetitions.py::test_a_value_does_not_depend_on_the_others",
    ),
    Mutation(
        "Forecast: the share in common of new noise left out",
        "model/noise.py",
        "return xp.sqrt(shared) * common + xp.sqrt(1 - shared) * own",
        "return own",
        "forecast/test_forecast.py::test_continuing_repetitions_share_their_noise",
    ),
    Mutation(
        "Forecast: quantiles of the wrong tail",
        "data/quantiles.py",
        '80: ("q10", "q90")',
        '80: ("q25", "q90")',
        "forecast/test_forecast.py::test_coverage",
    ),
    # Decisions.
    Mutation(
        "Comparison: the lowest is the best",
        "decisions/pairwise.py",
        'top = values == values.max("strategy")',
        'top = values == values.min("strategy")',
        "decisions/test_compare.py::test_pairs_and_ranking",
    ),
    Mutation(
        "Comparison: ranked by the largest loss",
        "decisions/compare.py",
        'table.sort_values("expected_loss", ignore_index=True',
        'table.sort_values("expected_loss", ascending=False, ignore_index=True',
        "decisions/test_compare.py::test_pairs_and_ranking",
    ),
    Mutation(
        "Budget: a target in percent taken for a fraction",
        "decisions/label_budget.py",
        "first_reached(self.paths, self.fit.runs.score.fractions(self.target))",
        "first_reached(self.paths, self.target)",
        "decisions/test_label_budget.py::test_a_target_in_percent_is_that_of_fractions",
    ),
    Mutation(
        "Stop: a target in percent taken for a fraction",
        "data/score.py",
        "return self.fractions(self.target(given))",
        "return self.target(given)",
        "decisions/test_stopping_rules.py::test_target_in_percent_is_given_back_in_percent",
    ),
    Mutation(
        "Budget: the median in place of the assurance",
        "decisions/label_budget.py",
        "np.quantile(needed, self.assurance,",
        "np.quantile(needed, 0.5,",
        "decisions/test_label_budget.py::test_budgets_are_whole_episodes",
    ),
    Mutation(
        "Budget: one batch too early",
        "decisions/trajectories.py",
        "there = paths >= target",
        'there = paths.shift(budget=-1) >= target',
        "decisions/test_label_budget.py::test_budgets_are_whole_episodes",
    ),
    Mutation(
        "Stop: continues where nothing pays",
        "decisions/stopping_rules.py",
        "float(expected[best]), bool(expected[best] <= 0)",
        "float(expected[best]), bool(expected[best] > 0)",
        "decisions/test_stopping_rules.py::test_net_value_stops_where_nothing_pays",
    ),
    Mutation(
        "Stop: looks one batch ahead only",
        "decisions/stopping_rules.py",
        "best = 1 + int(expected[1:].argmax())",
        "best = 1",
        "decisions/test_stopping_rules.py::test_net_value_looks_further_than_one_step",
    ),
    Mutation(
        "Stop: a fit that has not converged is used",
        "decisions/doubts.py",
        'return None if row["passed"] else f"not converged',
        'return None if True else f"not converged',
        "decisions/test_doubts.py::test_a_fit_that_has_not_converged_is_doubted",
    ),
    Mutation(
        "Stop: a forecast that is mostly prior is used",
        "forecast/worth.py",
        "return share < DATA_SHARE_LEAST and width > WIDTH_MOST",
        "return False",
        "decisions/test_decide.py::test_forecast_that_is_mostly_prior_is_doubted",
    ),
    Mutation(
        "Share of the data: sign",
        "forecast/worth.py",
        "return float(-np.cov(",
        "return float(np.cov(",
        "decisions/test_decide.py::test_share_of_the_data_is_that_of_the_precisions",
    ),
    Mutation(
        "Prior of half the weight: of twice the weight",
        "inference/power_scaling.py",
        "smoothed((power - 1) * log_prior)",
        "smoothed((1 / power - 1) * log_prior)",
        "inference/test_power_scaling.py::"
        "test_it_is_the_posterior_under_the_prior_to_that_power",
    ),
    # Convergence and cross-validation.
    Mutation(
        "Convergence: chains that disagree pass",
        "inference/convergence.py",
        'if not found["r_hat"] <= R_HAT_MOST:',
        "if False:",
        "inference/test_convergence.py::test_one_chain_elsewhere_in_one_parameter_is_seen",
    ),
    Mutation(
        "Leave-one-out: given the earlier accuracies only",
        "inference/pointwise.py",
        "new_of_all = (new / scale - common * total[..., at]) / (1 - shared)",
        "new_of_all = new / scale",
        "inference/test_pointwise.py::"
        "test_an_accuracy_left_out_is_that_of_the_joint_normal_given_the_others",
    ),
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only mutations whose names contain one of these")
    words = parser.parse_args().words
    asked = [one for one in MUTATIONS if not words or any(word in one.name for word in words)]
    for library in LIBRARIES:
        importlib.import_module(library)
    sys.dont_write_bytecode = True  # a mutated module may have the size and time of the right one
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        copied(tree)
        for one in asked:
            replaced(one, tree)  # before anything runs, all code is looked for
        status, seconds = pytest(tree, *sorted({one.test for one in asked}))
        if status:
            print(f"without a mutation the tests fail: status {status}", file=sys.stderr)
            return 2
        print(f"without a mutation all pass, {seconds:.0f} s\n")
        print("| fault | place | test | caught | s |")
        print("|---|---|---|---|---|", flush=True)
        missed = [one.name for one in asked if not caught(one, tree)]
    print(f"\n{len(asked) - len(missed)} of {len(asked)} caught.")
    return bool(missed)


def copied(tree: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        skipped = shutil.ignore_patterns("__pycache__", "_build", "*.ipynb")
        shutil.copytree(ROOT / name, tree / name, ignore=skipped)
    for file in filter(Path.is_file, ROOT.iterdir()):
        shutil.copy(file, tree)


def replaced(one: Mutation, tree: Path) -> tuple[Path, str, str]:
    """Return a module's path, its text, and that with the fault; the code must be there once."""
    path = tree / "palm_bayes" / one.module
    text = path.read_text()
    if text.count(one.code) != 1 or one.code == one.wrong:
        sys.exit(f"{one.name}: {one.module} has {text.count(one.code)} times {one.code!r}")
    return path, text, text.replace(one.code, one.wrong)


def caught(one: Mutation, tree: Path) -> bool:
    """Run the test with the fault, print a row, and mend the fault."""
    path, text, wrong = replaced(one, tree)
    path.write_text(wrong)
    try:
        status, seconds = pytest(tree, one.test)
    finally:
        path.write_text(text)
    said = {FAILED: "yes", 0: "**NO**"}.get(status, f"**status {status}**")
    module, _, name = one.test.partition("::")
    test = f"`{name}`" if name else f"`{module}`"
    print(f"| {one.name} | `{one.module}` | {test} | {said} | {seconds:.0f} |", flush=True)
    return status == FAILED


def pytest(tree: Path, *tests: str) -> tuple[int, float]:
    """Run tests of the copy in a child process; return the exit status and the seconds.

    The child is forked, since importing the libraries takes longer than most of the tests.
    """
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the other threads are those of BLAS
        child = os.fork()
    if not child:
        status = BROKEN
        try:
            status = _run(tree, tests)
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(ended), time.perf_counter() - start


def _run(tree: Path, tests: Iterable[str]) -> int:
    """Run tests in this process, without output unless they could not run."""
    import pytest

    signal.alarm(SLOWEST)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        paths = [f"tests/{test}" for test in tests]
        status = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *paths]))
    if status not in {0, FAILED}:
        os.write(2, told.getvalue()[-3000:].encode())
    return status


if __name__ == "__main__":
    sys.exit(main())
