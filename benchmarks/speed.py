"""How long do a cold `palm-bayes fit`, a refit and questions to a saved fit take?

See README.md.

python benchmarks/speed.py
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from palm_bayes.data import example_runs_path

TRIVIAL = """
import pymc as pm, nutpie
with pm.Model() as model:
    pm.Normal("x")
nutpie.sample(nutpie.compile_pymc_model(model), seed=1, progress_bar=False)
"""

REFIT = """
import time, palm_bayes
from palm_bayes.data import example_runs_path
runs = palm_bayes.read(example_runs_path())
fit = palm_bayes.fit(runs.first(12))
for again in (lambda: fit.refit(runs.first(13)), lambda: palm_bayes.fit(runs.first(13))):
    start = time.perf_counter()
    again()
    print(time.perf_counter() - start)
"""

ASKED = {
    "show": ["out/trace.nc"],
    "compare": ["out", "--at", "500"],
    "budget": ["out", "--target", "0.93"],
    "stop": ["out", "--target", "0.93"],
    "report": ["out", "--target", "0.93"],
}

STEPS = """
import time
import nutpie, numpy as np, pandas as pd
import palm_bayes
from palm_bayes.inference.compile_cache import compile_model
from palm_bayes.model.one_strategy import build_pooled_model
from palm_bayes.model.priors import named_priors
from palm_bayes.model.steps import pooled
from palm_bayes.model.variables import NUMBERS, observations
for repetitions, episodes in ((3, 5), (10, 9), (10, 100)):
    rng, runs = np.random.default_rng(1), []
    for r in range(repetitions):
        episode = np.arange(1, episodes + 1)
        score = 0.9 - 0.4 * np.exp(-0.5 * episode**0.7) + 0.01 * rng.standard_normal(episodes)
        runs.append(pd.DataFrame({"repetition": r, "episode": episode, "accuracy": score}))
    table = pd.concat(runs).assign(strategy="one")
    rows = pooled(observations(palm_bayes.read(table)))
    program = compile_model(build_pooled_model(named_priors("default"), rows), NUMBERS)
    for _ in range(2):  # the first compiles
        start = time.process_time()
        raw = nutpie.sample(program, draws=1000, tune=300, chains=1, seed=1, target_accept=0.95,
                            maxdepth=8, progress_bar=False, return_raw_trace=True)
        took = time.process_time() - start
    steps = sum(part.column("n_steps").to_numpy().sum() for part in raw.get_arrow_trace()[1])
    size = f"{repetitions} repetitions of {episodes} episodes"
    print(f"  {size:<34}{1e6 * took / steps:7.1f} µs", flush=True)
"""

LAPS = """
import time
last = time.perf_counter()
def lap(what):
    global last
    now = time.perf_counter()
    print(f"  {what:<34}{now - last:7.2f} s", flush=True)
    last = now
import pymc, nutpie; lap("import PyMC and nutpie")
"""

TRIVIAL_PHASES = """
with pymc.Model() as model:
    pymc.Normal("x")
nutpie.compile_pymc_model(model); lap("compile one normal variable")
"""

PHASES = """
import palm_bayes
from palm_bayes.data import example_runs_path
from palm_bayes.inference.nuts import compile_programs
from palm_bayes.model.priors import named_priors
from palm_bayes.plots.curves import plot_curves
lap("import palm_bayes, Matplotlib")
runs = palm_bayes.read(example_runs_path()); lap("read the runs")
compile_programs(named_priors("default")); lap("build and compile the model")
fit = palm_bayes.fit(runs.first(12)); lap("sample and diagnose 6 strategies")
draws = [fit.forecast(horizon=18, scope=s).draws for s in ("expected", "new")]; lap("forecast")
plot_curves(fit.runs, *draws, runs).savefig("curves.png"); lap("figure of 6 panels")
fit.save("trace.nc"); lap("write the trace")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fit = [str(Path(sys.executable).parent / "palm-bayes"), "fit", str(example_runs_path())]
        fit += ["--episodes", "12", "--quiet", "--out_dir", str(Path(folder) / "out")]
        trivial = [sys.executable, "-c", TRIVIAL]
        for command in (trivial, fit):  # fill the caches
            seconds(command, folder)
        warm, refits = [], []
        for _ in range(args.repeats):
            warm.append((seconds(trivial, folder), seconds(fit, folder)))
            refits.append(refit(folder))
        report("warm caches", warm)
        colds = [cold for _, cold in warm]
        report_refits("refit with one more episode", [again for again, _ in refits], colds)
        report_refits("the same by `fit`, all sampled anew", [anew for _, anew in refits], colds)
        report_asked(fit[0], folder, args.repeats)
        cold = [
            seconds(command, folder, empty_caches(f"{folder}/{i}"))
            for i, command in enumerate((trivial, fit))
        ]
        report("empty caches", [(cold[0], cold[1])])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        print(f"peak memory: {peak:.2f} GiB")
        help_command = [fit[0], "--help"]
        print(f"--help: {min(seconds(help_command, folder) for _ in range(5)):.2f} s, best of 5")
        print("a leapfrog step, with density and gradient:", flush=True)
        run_here(STEPS, folder)
        for what, phases in (("trivial program", TRIVIAL_PHASES), ("palm_bayes", PHASES)):
            print(f"phases of {what}, one process, warm caches:", flush=True)
            run_here(LAPS + phases, folder)


def run_here(program: str, folder: str) -> None:
    """Run a program in a process of its own, which prints."""
    words = [sys.executable, "-c", program]
    subprocess.run(words, cwd=folder, check=True, env=environment(folder))


def environment(folder: str) -> dict[str, str]:
    """Keep Python's bytecode, as installations do: some machines are told not to."""
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
    return {**os.environ, **kept}


def empty_caches(folder: str) -> dict[str, str]:
    """Let compiled programs be kept in a folder that is not there yet."""
    return {"PYTENSOR_FLAGS": f"base_compiledir={folder}", "NUMBA_CACHE_DIR": f"{folder}-numba"}


def seconds(command: list[str], folder: str, extra: dict[str, str] | None = None) -> float:
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment(folder) | (extra or {}),
    )
    return time.perf_counter() - start


def refit(folder: str) -> tuple[float, float]:
    """Seconds of a refit and of a fit in a process that has fitted one episode less."""
    command = [sys.executable, "-c", REFIT]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE)
    again, anew = map(float, done.stdout.split())
    return again, anew


def report(caches: str, pairs: list[tuple[float, float]]) -> None:
    trivial, fit = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    print(f"{caches}: trivial {trivial:.1f} s, fit {fit:.1f} s, ratio {ratio:.2f}", flush=True)


def report_refits(what: str, times: list[float], colds: list[float]) -> None:
    share = statistics.median(again / cold for again, cold in zip(times, colds, strict=True))
    print(f"{what}: {statistics.median(times):.2f} s, {share:.3f} of the cold fit", flush=True)


def report_asked(program: str, folder: str, repeats: int) -> None:
    """Print times of questions to the saved fit, also as multiples of importing two libraries."""
    imports = [sys.executable, "-c", "import numpy, xarray"]
    least = min(seconds(imports, folder) for _ in range(repeats))
    print(f"import numpy, xarray: {least:.2f} s, best of {repeats}")
    for name, options in ASKED.items():
        best = min(seconds([program, name, *options], folder) for _ in range(repeats))
        print(f"  {name} of a saved fit: {best:.2f} s, {best / least:.1f} times that", flush=True)


if __name__ == "__main__":
    main()
