"""The command `fit` and the files it writes, with `show`, `example` and `demo`; a stand-in samples.

The real one runs in the last test.
"""

import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import palm_bayes
from palm_bayes.cli import app as cli
from palm_bayes.data import example_runs_path, write_example
from palm_bayes.forecast.forecast import Forecast
from palm_bayes.model import curve

PARAMETERS = ["A_max", "delta", "alpha", "beta"]
PALM_KEYS = [
    *["dataset", "model", "method", "episodes", "mode", "budget_size"],
    *PARAMETERS,
    "run_files",
]
PALM_FILES = {"palm_params.json", "palm_params.csv", "y_avg.npy", "y_fit.npy", "palm_fit.png"}
OUR_FILES = {"trace.nc", "summary.csv", "forecast.csv", "curves.png"}


@dataclass
class FakeForecast:
    """Draws of noisy curves, with the labels of `palm_bayes.forecast.forecast.Forecast`."""

    runs: object
    draws: xr.DataArray
    scope: str
    coverage = Forecast.coverage

    @property
    def without_noise(self):
        return self

    @property
    def labels_known(self):
        return self.runs.labels_known

    @property
    def score(self):
        return self.runs.score

    def to_frame(self):
        scale = self.runs.score.unit
        keys = [d for d in self.draws.dims if d not in ("chain", "draw")]
        stacked = self.draws.transpose("chain", "draw", *keys)
        flat = stacked.to_numpy().reshape(-1, *stacked.shape[2:]) * scale
        index = pd.MultiIndex.from_product([stacked[k].to_numpy() for k in keys], names=keys)
        frame = pd.DataFrame({"mean": flat.mean(axis=0).ravel()}, index=index)
        for q in (2.5, 10, 25, 50, 75, 90, 97.5):
            frame[f"q{q:g}"] = np.percentile(flat, q, axis=0).ravel()
        frame = frame.reset_index()
        at = {float(x): i for i, x in enumerate(stacked["x"].to_numpy())}
        where = frame.pop("x").map(at).to_numpy()
        for name in ("episode", "labels"):
            frame[name] = stacked[name].to_numpy()[where]
        frame["future"] = frame["episode"] > self.runs.table["episode"].max()
        return frame


@dataclass
class FakeCheck:
    table: pd.DataFrame
    sentences: list[str]


@dataclass
class FakeConvergence:
    passed: bool
    sentence: str
    table: pd.DataFrame


class FakeFit:
    """A `palm_bayes.PalmFit` of made-up draws around one curve."""

    def __init__(self, runs, passed=True):
        self.runs = runs
        rng = np.random.default_rng(1)
        self.points = {s: (0.9 + 0.02 * rng.random(), 0.3, 0.5, 0.6) for s in runs.strategies}
        table = pd.DataFrame(
            {
                "r_hat": 1.0,
                "ess_bulk": 900.0,
                "ess_tail": 800.0,
                "divergences": 0,
                "e_bfmi": 0.9,
                "attempts": 1,
                "passed": True,
                "advice": "",
            },
            index=pd.Index(runs.strategies, name="strategy"),
        )
        sentence = "Converged: R-hat at most 1.00."
        if not passed:
            table.loc[runs.strategies[0], ["passed", "advice"]] = [False, "try more draws"]
            sentence = f"Not converged. {runs.strategies[0]}: try more draws"
        self.convergence = FakeConvergence(passed, sentence, table)
        checked = pd.DataFrame({"passed": True, "finding": "as PALM describes"}, table.index)
        self.predictive_check = FakeCheck(checked, [])

    def representative(self):
        names = ["A_max", "delta", "alpha", "beta"]
        return pd.DataFrame.from_dict(self.points, orient="index", columns=names)

    def summary(self, probability=0.9, *, diagnostics=True):
        rows = []
        for strategy, point in self.points.items():
            for name, value in zip(("A_max", "delta", "alpha", "beta"), point, strict=True):
                median = value * (self.runs.score.unit if name == "A_max" else 1)
                rows.append(
                    {
                        "strategy": strategy,
                        "parameter": name,
                        "median": median,
                        "mean": median,
                        "sd": 0.1,
                        "lower": median - 0.1,
                        "upper": median + 0.1,
                        "r_hat": 1.0,
                        "ess_bulk": 900.0,
                        "ess_tail": 800.0,
                    }
                )
        return pd.DataFrame(rows)

    def forecast(self, labels=None, episodes=None, horizon=None, scope="expected"):
        last = int(self.runs.table["episode"].max())
        episode = np.arange(1, last + horizon + 1)
        x = episode.astype(float)
        rng = np.random.default_rng(2)
        dims = ["chain", "draw", "strategy", "x"]
        values = np.stack([curve.accuracy(x, *p) for p in self.points.values()])
        values = values + 0.01 * rng.standard_normal((2, 50, *values.shape))
        coords = {
            "strategy": list(self.runs.strategies),
            "x": x,
            "episode": ("x", episode),
            "labels": ("x", self.runs.labels_at(x)),
        }
        if scope == "continuing":
            repetitions = list(self.runs.table["repetition"].unique())
            values = np.repeat(values[:, :, :, None], len(repetitions), axis=3)
            dims.insert(3, "repetition")
            coords["repetition"] = repetitions
        return FakeForecast(self.runs, xr.DataArray(values, coords, dims), scope)

    def to_bytes(self):
        rows = self.runs.table.rename_axis("row").to_xarray()
        tree = xr.DataTree.from_dict({"/": xr.Dataset(), "runs": rows})
        return bytes(tree.to_netcdf(engine="h5netcdf"))


@dataclass
class Fitter:
    """Stand-in for `palm_bayes.fit`: notes its arguments."""

    passed: bool = True
    error: BaseException | None = None
    runs: object = None
    options: dict = None

    def __call__(self, runs, *, progress, **options):
        self.runs, self.options = runs, options
        if self.error:
            raise self.error
        progress("compile", "", 0.0)
        for strategy in runs.strategies:
            for fraction in (0.0, 0.5, 1.0):
                progress("sample", strategy, fraction)
        return FakeFit(runs, self.passed)


@pytest.fixture
def fitter(monkeypatch):
    fitter = Fitter()
    # Into the module's dict: setattr would first load the real one, and PyMC with it.
    monkeypatch.setitem(vars(palm_bayes), "fit", fitter)
    answer = "palm_bayes.report.export.forecast"
    monkeypatch.setattr(answer, lambda fit, **asked: fit.forecast(**asked))
    return fitter


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_example(tmp_path / "runs")
    return tmp_path


def files_in(folder):
    return {p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file()}


def palm_folder(base, *, percent=True, budgets=None, lengths=(30, 30), method="random_b50"):
    """Write runs as PALM's deep-al does."""
    for i, episodes in enumerate(lengths, start=1):
        folder = base / f"{method}_{i}"
        folder.mkdir(parents=True)
        x = np.arange(1, episodes + 1)
        noise = 0.003 * np.random.default_rng(i).standard_normal(episodes)
        y = curve.accuracy(x, 0.8, 0.2, 0.5, 0.7) + noise
        np.save(folder / "plot_episode_yvalues.npy", y * (100 if percent else 1))
        if budgets:
            np.save(folder / "plot_episode_xvalues.npy", budgets * x)
    return base


# --- Help


def test_help_names_every_flag_of_palm(capsys):
    cli.main(["fit", "--help"])
    out = capsys.readouterr().out
    flags = (
        "base-path dataset model method num-variants num-samples x-mode budget-size init-A-max "
        "init-delta init-alpha init-beta beta-hi alpha-lo alpha-hi out-dir plot save-csv"
    )
    assert [flag for flag in flags.split() if f"--{flag}" not in out] == []
    for file in PALM_FILES | OUR_FILES:
        assert file in out


# --- Mistakes: status 2, one line, nothing written


@pytest.mark.filterwarnings("default")
def test_warnings_are_lines_but_those_for_programmers(fitter, here, capsys, monkeypatch):
    """A warning of a library, such as of NumPy's overflow, is not hidden from the user."""
    kinds = (palm_bayes.PalmWarning, UserWarning, RuntimeWarning)
    hidden = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)

    def version(_asked, **_):
        for kind in (*kinds, *kinds[:1], *hidden):
            warnings.warn(f"this is a {kind.__name__}", kind, stacklevel=1)
        return "9.9"

    monkeypatch.setattr("palm_bayes.cli.fit.listed", version)
    assert cli.main(["fit", "runs/runs.csv", "--init-beta", "1"]) == 0
    err = capsys.readouterr().err.splitlines()
    said = [line for line in err if line.startswith("warning: this is a ")]
    assert said == [f"warning: this is a {kind.__name__}" for kind in kinds]  # each once


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("fit", "Missing argument PATH"),
        ("fit runs/runs.csv --base_path runs/digits", "mean the same"),
        ("fit missing.csv", "missing.csv does not exist"),
        ("fit runs", "runs are in runs/digits"),
        ("fit broken.csv", "accuracy is 'high'"),
        ("fit runs/runs.csv --strategy margn", "did you mean 'margin'?"),
        ("fit --base_path runs/digits --method rando --num_variants 3", "'rando'"),
        ("fit runs/runs.csv --dataset mnist", "mnist"),
        ("fit runs/runs.csv --num_samples 3", "(--episodes) is 3, but must be at least 4"),
        ("fit runs/runs.csv --num_variants 0", "must be at least 1"),
        ("fit runs/runs.csv --budget_size -5", "(--budget-size) is -5"),
        ("fit runs/runs.csv --x_mode labels", "x-mode"),
        ("fit runs/runs.csv --alpha_lo 5 --alpha_hi 2", "alpha_lo < alpha_hi"),
        ("fit runs/runs.csv --priors flat", "--priors"),
        ("fit runs/runs.csv --chains 1", "--chains"),
        ("fit runs/runs.csv --horizon 0", "--horizon"),
        ("fit runs/runs.csv --nonsense", "--nonsense"),
        ("fit runs/runs.csv more.csv", "more.csv"),
        ("fit runs/runs.csv --out runs/runs.csv", "runs/runs.csv is not a folder"),
        ("fit runs/runs.csv --out runs/runs.csv/below", "runs/runs.csv is not a folder"),
        ("show missing.nc", "missing.nc"),
        ("show runs", "runs"),
        ("example runs", "is not overwritten"),
        ("example", "DIR"),
        ("demo --out runs/runs.csv", "is not a folder"),
        ("nonsense", "nonsense"),
    ],
)
def test_mistake_is_one_line(args, said, here, fitter, capsys):
    Path("broken.csv").write_text("strategy,episode,accuracy\na,1,high\n", encoding="utf-8")
    before = files_in(here)
    assert cli.main(args.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("palm-bayes: error: ")
    assert said in last
    assert fitter.runs is None
    assert files_in(here) == before
    assert not Path("palm_fit_out").exists()


def test_error_of_the_fit_writes_nothing(here, fitter, capsys):
    fitter.error = palm_bayes.PalmError("this\ncannot be fitted")
    assert cli.main(["fit", "runs/runs.csv", "--quiet"]) == 2
    assert capsys.readouterr().err == "palm-bayes: error: this cannot be fitted\n"
    assert not Path("palm_fit_out").exists()


def test_interrupt(here, fitter, capsys):
    fitter.error = KeyboardInterrupt()
    assert cli.main(["fit", "runs/runs.csv", "--quiet"]) == 130
    assert capsys.readouterr().err == "palm-bayes: error: interrupted\n"
    assert not Path("palm_fit_out").exists()


# --- What fit writes


def test_files_of_several_strategies(here, fitter, capsys):
    assert (
        cli.main(
            ["fit", "runs/runs.csv", "--out", "out", "--strategy", "margin", "--strategy", "random"]
        )
        == 0
    )
    each = {f"{s}/{file}" for s in ("margin", "random") for file in PALM_FILES}
    assert files_in("out") == OUR_FILES | {"comparison.png"} | each
    assert fitter.runs.strategies == ("margin", "random")
    out = capsys.readouterr().out
    assert "digits / logistic: 2 strategies x 5 repetitions x 30 episodes, 20 labels each" in out
    assert "Converged: R-hat at most 1.00." in out
    assert out.count("0.500") == 4  # median of alpha, 5 % of beta
    assert "not converged" not in out


def test_files_of_one_strategy(here, fitter):
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin"]) == 0
    assert fitter.options["priors"] == "default"  # by name: the fit can tell it
    assert files_in("palm_fit_out") == OUR_FILES | PALM_FILES
    params = json.loads(Path("palm_fit_out/palm_params.json").read_text(encoding="utf-8"))
    assert list(params) == [*PALM_KEYS, "posterior"]
    assert params["dataset"] == "digits"
    assert params["method"] == "margin"
    assert params["mode"] == "PALM (cumulative-normalized, b=20)"
    assert params["budget_size"] == 20
    assert params["run_files"] == ["runs/runs.csv"]


def test_palm_command_line_verbatim(here, fitter, capsys):
    palm_folder(Path("output/IMAGENET50/resnet50"), lengths=(30, 28, 30))
    command = (
        "--base_path output/IMAGENET50/resnet50 --dataset IMAGENET50 --model resnet50 "
        "--method random_b50 --num_variants 2 --num_samples 25 --x_mode episodes "
        "--budget_size 100 --init_A_max 90 --init_delta 0.5 --init_alpha 1 --init_beta 1 "
        "--beta_hi 50 --alpha_lo -10 --alpha_hi 500 --out_dir fits/random --plot --save_csv"
    )
    assert cli.main(["fit", *command.split()]) == 0
    assert files_in("fits/random") == OUR_FILES | PALM_FILES
    assert len(fitter.runs.table) == 2 * 25
    priors = fitter.options["priors"]
    assert (priors.alpha_lo, priors.alpha_hi, priors.beta_hi) == (-10, 500, 50)
    params = json.loads(Path("fits/random/palm_params.json").read_text(encoding="utf-8"))
    assert list(params) == [*PALM_KEYS, "posterior"]
    assert params["episodes"] == 25
    assert params["mode"] == "PALM (episodes)"
    assert params["budget_size"] == 100.0
    assert params["dataset"] == "IMAGENET50"
    assert 80 < params["A_max"] < 100
    assert params["run_files"] == [
        f"output/IMAGENET50/resnet50/random_b50_{i}/plot_episode_yvalues.npy" for i in (1, 2)
    ]
    posterior = params["posterior"]
    assert list(posterior) == [*PARAMETERS, "probability", "converged", "point"]
    assert set(posterior["A_max"]) == {"median", "lower", "upper"}
    assert posterior["converged"] is True
    err = capsys.readouterr().err
    assert "--init_A_max, --init_delta, --init_alpha, --init_beta: ignored" in err


def test_no_run_is_cut_unless_asked(here, fitter):
    palm_folder(Path("base"), lengths=(30, 26))
    args = ["fit", "--base_path", "base", "--method", "random_b50", "--num_variants", "2"]
    assert cli.main(args) == 0
    y = [np.load(f"base/random_b50_{i}/plot_episode_yvalues.npy") for i in (1, 2)]
    y_avg = np.load("palm_fit_out/y_avg.npy")
    assert y_avg.shape == (30,)
    np.testing.assert_allclose(y_avg[:26], (y[0][:26] + y[1]) / 2)
    np.testing.assert_allclose(y_avg[26:], y[0][26:])
    assert cli.main([*args, "--num_samples", "-1"]) == 0
    assert len(fitter.runs.table) == 56


@pytest.mark.parametrize(
    ("args", "budgets", "x_last", "mode", "size"),
    [
        ("", None, 30, "PALM (episodes)", 100),
        ("", 50, 30, "PALM (cumulative-normalized, b=50)", 50),
        ("--x_mode episodes", 50, 30, "PALM (episodes)", 50),
        ("--x_mode episodes -b 50", None, 30, "PALM (episodes)", 50),
        ("--x_mode cumulative_normalized", None, 30, "PALM (cumulative-normalized, b=100)", 100),
        ("--x_mode cumulative_normalized", 50, 30, "PALM (cumulative-normalized, b=50)", 50),
        ("--x_mode cumulative_normalized -b 25", 50, 60, "PALM (cumulative-normalized, b=25)", 25),
        (
            "--x-mode cumulative-normalized --budget-size 25",
            50,
            60,
            "PALM (cumulative-normalized, b=25)",
            25,
        ),
    ],
)
def test_axis(args, budgets, x_last, mode, size, here, fitter):
    palm_folder(Path("base"), budgets=budgets)
    assert cli.main(["fit", "base", "--quiet", *args.split()]) == 0
    assert fitter.runs.table["x"].max() == x_last
    params = json.loads(Path("palm_fit_out/palm_params.json").read_text(encoding="utf-8"))
    assert (params["mode"], params["budget_size"]) == (mode, size)
    # ALDA's rule for what it reads.
    assert math.isfinite(float(params["budget_size"]))
    assert float(params["budget_size"]) > 0


@pytest.mark.parametrize(("args", "last"), [("", 60), ("--episodes 5", 30), ("--horizon 1", 31)])
def test_horizon(args, last, here, fitter):
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin", *args.split()]) == 0
    assert pd.read_csv("palm_fit_out/forecast.csv")["episode"].max() == last


BOTH = ["fit", "runs/runs.csv", "--strategy", "margin", "--strategy", "random"]


def contents(folder):
    return {name: (Path(folder) / name).read_bytes() for name in files_in(folder)}


def test_a_fit_of_the_same_runs_is_replaced(here, fitter):
    assert cli.main(BOTH) == 0
    Path("palm_fit_out/margin/mine.txt").write_text("mine", encoding="utf-8")
    first = Path("palm_fit_out/summary.csv").read_text(encoding="utf-8")
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin", "--episodes", "9"]) == 0
    assert Path("palm_fit_out/margin/mine.txt").read_text(encoding="utf-8") == "mine"
    assert Path("palm_fit_out/summary.csv").read_text(encoding="utf-8") != first
    assert files_in("palm_fit_out") == OUR_FILES | PALM_FILES | {"margin/mine.txt"}


def test_figures_have_the_format_asked_and_replace_those_of_another(here, fitter, monkeypatch):
    assert cli.main(BOTH) == 0
    png = {name for name in files_in("palm_fit_out") if name.endswith(".png")}
    assert cli.main([*BOTH, "--figures", "svg"]) == 0
    svg = {name for name in files_in("palm_fit_out") if name.endswith((".png", ".svg"))}
    assert svg == {name.replace(".png", ".svg") for name in png}
    assert b"<svg" in Path("palm_fit_out/comparison.svg").read_bytes()
    monkeypatch.setenv("PALM_BAYES_FIGURES", "pdf")
    assert cli.main([*BOTH, "--out", "pdf"]) == 0
    assert Path("pdf/margin/palm_fit.pdf").read_bytes().startswith(b"%PDF")


def test_a_fit_of_other_runs_is_not(here, fitter, capsys):
    cli.main(BOTH)
    before, fitter.runs = contents("palm_fit_out"), None
    other = ["fit", "runs/runs.csv", "--strategy", "coreset"]
    capsys.readouterr()
    assert cli.main(other) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        "palm-bayes: error: palm_fit_out holds a fit of other runs (margin, random): "
        "name another folder (--out), or add --overwrite"
    )
    assert fitter.runs is None
    assert contents("palm_fit_out") == before
    assert cli.main([*other, "--overwrite"]) == 0
    assert files_in("palm_fit_out") == OUR_FILES | PALM_FILES


def test_files_of_another_fit_are_told(here, fitter, capsys):
    Path("palm_fit_out/random").mkdir(parents=True)
    for name in ("summary.csv", "random/palm_params.json"):
        Path("palm_fit_out", name).write_text("mine", encoding="utf-8")
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin", "--overwrite"]) == 0
    assert Path("palm_fit_out/random/palm_params.json").read_text(encoding="utf-8") == "mine"
    left = capsys.readouterr().out.splitlines()[-1]
    assert left == "From another fit, left unchanged: palm_fit_out/random/palm_params.json"


def test_a_fit_that_appears_while_sampling_is_not_replaced(here, fitter, monkeypatch):
    def sampled(runs, **options):
        monkeypatch.setitem(vars(palm_bayes), "fit", fitter)
        assert cli.main(["fit", "runs/runs.csv", "--strategy", "random"]) == 0
        return fitter(runs, **options)

    monkeypatch.setitem(vars(palm_bayes), "fit", sampled)
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin"]) == 2
    params = json.loads(Path("palm_fit_out/palm_params.json").read_text(encoding="utf-8"))
    assert params["method"] == "random"


# --- Names that are hard to write and to show


def named(names):
    """Write runs of strategies with these names as runs.csv."""
    table = pd.read_csv(example_runs_path(), dtype=str)
    old = table["strategy"].unique()[: len(names)]
    table = table[table["strategy"].isin(old)]
    table.assign(strategy=table["strategy"].map(dict(zip(old, names, strict=True)))).to_csv(
        "runs.csv", index=False
    )


def test_names_as_files_and_cells(here, fitter):
    names = ["x" * 300, "=1+1", "NUL", "a.", "-b"]
    named(names)
    assert cli.main(["fit", "runs.csv", "--quiet"]) == 0
    assert fitter.runs.strategies == (*names,)
    folders = {path.name for path in Path("palm_fit_out").iterdir() if path.is_dir()}
    assert {"=1+1", "_NUL", "a", "-b"} < folders
    assert max(map(len, folders)) <= 100
    for table in ("summary", "forecast"):
        written = pd.read_csv(f"palm_fit_out/{table}.csv")["strategy"]
        assert {*written} == {"x" * 300, "'=1+1", "NUL", "a.", "'-b"}
    assert "'=1+1" in Path("palm_fit_out/=1+1/palm_params.csv").read_text(encoding="utf-8")


def test_control_characters_do_not_reach_the_terminal(here, fitter, capsys):
    named(["\x1b[31mred", "b\x07\u202e"])
    assert cli.main(["fit", "runs.csv"]) == 0
    assert fitter.runs.strategies == (r"\x1b[31mred", r"b\x07\u202e")
    out, err = capsys.readouterr()
    assert r"control characters in names are codes: \x1b[31mred, b\x07\u202e" in err
    assert r"\x1b[31mred" in out
    cli.main(["fit", "\x1b]missing.csv"])
    err += capsys.readouterr().err
    assert r"\x1b]missing.csv does not exist" in err
    assert "\x1b" not in out + err


# --- What fit says


def test_json(here, fitter, capsys, unexplained):
    args = ["fit", "runs/runs.csv", "--strategy", "margin", "--json", "--seed", "7"]
    assert cli.main(args) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["converged"] is True
    assert found["seed"] == fitter.options["seed"] == 7
    assert found["strategies"]["margin"]["parameters"]["alpha"]["lower"] == pytest.approx(0.4)
    assert set(found["strategies"]["margin"]["point"]) == set(PARAMETERS)
    assert found["strategies"]["margin"]["convergence"]["divergences"] == 0
    assert {Path(f).name for f in found["files"]} == OUR_FILES | PALM_FILES
    assert all(Path(f).is_file() for f in found["files"])
    assert unexplained(found, found["strategies"]["margin"]) == set()
    assert "sampling margin" in err


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_not_converged_is_saved_and_said(as_json, here, fitter, capsys):
    fitter.passed = False
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin", *as_json]) == 3
    out = capsys.readouterr().out
    assert "Not converged. margin: try more draws" in out
    assert as_json or "(not converged)" in out
    assert files_in("palm_fit_out") == OUR_FILES | PALM_FILES
    params = json.loads(Path("palm_fit_out/palm_params.json").read_text(encoding="utf-8"))
    assert params["posterior"]["converged"] is False


def test_progress_and_notes_go_to_stderr_a_line_each(here, fitter, capsys):
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin"]) == 0
    lines = capsys.readouterr().err.splitlines()
    steps = [line for line in lines if not line.startswith("note: ")]
    assert steps == [
        "reading the runs",
        "loading PyMC",
        "compiling the model",
        "sampling margin",
        "forecasting",
        "writing",
    ]
    words = "note: Accuracy is read as a fraction: the largest value is 0.966; "
    assert f"{words}percent=True (--percent) reads it as percent." in lines


def test_quiet(here, fitter, capsys):
    assert cli.main(["fit", "runs/runs.csv", "--strategy", "margin", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "margin" in out


def test_options_reach_the_sampler(here, fitter):
    args = "--draws 50 --tune 60 --chains 2 --target-accept 0.9 --sampler pymc --strategy random"
    assert cli.main(["fit", "runs/runs.csv", *args.split()]) == 0
    options = fitter.options
    del options["priors"]
    assert options == {
        "prior": None,
        "draws": 50,
        "tune": 60,
        "chains": 2,
        "target_accept": 0.9,
        "sampler": "pymc",
        "seed": 0,
    }


# --- The other commands


def test_show(here, monkeypatch, capsys):
    class Loader:
        @staticmethod
        def load(path):
            return FakeFit(palm_bayes.read(example_runs_path()), passed=False)

    monkeypatch.setitem(vars(palm_bayes), "PalmFit", Loader)
    Path("trace.nc").touch()
    assert cli.main(["show", "trace.nc"]) == 3
    assert "Not converged" in capsys.readouterr().out
    assert cli.main(["show", "trace.nc", "--json", "--probability", "0.5"]) == 3
    assert json.loads(capsys.readouterr().out)["probability"] == 0.5


def test_a_folder_without_a_fit_is_not_shown(here, capsys):
    assert cli.main(["show", "runs"]) == 2
    assert "runs holds no saved fit" in capsys.readouterr().err


def test_example(tmp_path, capsys):
    assert cli.main(["example", str(tmp_path / "ex")]) == 0
    out = capsys.readouterr().out
    assert f"palm-bayes fit {tmp_path / 'ex' / 'runs.csv'} --episodes 12" in out
    assert (tmp_path / "ex" / "digits" / "random_1").is_dir()


def test_demo(tmp_path, fitter, capsys):
    out = tmp_path / "demo"
    for _ in range(2):  # the second time the example is there
        assert cli.main(["demo", "--out", str(out)]) == 0
        made = {file for file in files_in(out) if not file.startswith("digits/")}
        assert made == OUR_FILES | {"comparison.png", "runs.csv"}
    assert fitter.runs.table["episode"].max() == 12
    printed = capsys.readouterr().out
    assert "540" in printed  # 6 strategies, 5 repetitions, 18 episodes
    assert f"See {out / 'curves.png'}" in printed


@pytest.mark.parametrize("args", ["", "--json"])
def test_sampler_for_real(args, here, capfd):
    command = "fit runs/runs.csv --strategy margin --episodes 8 --draws 100 --tune 300 --chains 2"
    assert cli.main([*command.split(), *args.split()]) in {0, 3}
    out, err = capfd.readouterr()
    assert "sampling margin" in err
    assert files_in("palm_fit_out") == OUR_FILES | PALM_FILES
    if args:
        assert json.loads(out)["strategies"]["margin"]["parameters"]["noise"]["median"] > 0
    assert cli.main(["show", "palm_fit_out"]) in {0, 3}
    assert "margin" in capfd.readouterr().out
