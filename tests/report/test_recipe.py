"""Code that makes a report again: it asks the same of the same data."""

import shlex
from dataclasses import replace

import numpy as np
import pytest

import palm_bayes
from palm_bayes.cli import app as cli
from palm_bayes.decisions.rule_logic import AllOf, AnyOf
from palm_bayes.decisions.stopping_rules import Budget, NetValue, Plateau, Pool, Target, Unreachable
from palm_bayes.inference.saved import about_fit
from palm_bayes.reading.run_names import X_FILE, Y_FILE
from palm_bayes.report import recipe
from palm_bayes.report.contents import Questions, report_of


def _flat(rule):
    """Leave out how "any of" was nested, which means nothing."""
    if not isinstance(rule, AnyOf | AllOf):
        return rule
    parts = [_flat(part) for part in rule.rules]
    if isinstance(rule, AllOf):
        return AllOf(tuple(parts))
    return AnyOf(tuple(p for q in parts for p in (q.rules if isinstance(q, AnyOf) else [q])))


RULES = [
    None,
    Target(0.93, 0.9),
    Plateau(0.01, 60) | NetValue(0.5, 80, 2) | Budget(600) | Pool(900),
    Target(0.9) & Plateau(0.01, 60),
    (Target(0.9) & Plateau(0.01, 60)) | Budget(500),
]


@pytest.mark.parametrize("rule", RULES)
def test_python_of_the_recipe_asks_the_same(fit, rule):
    asked = Questions(target=0.93, rule=rule, strategy="random", at=300)
    code = recipe.python(report_of(fit, asked, seed=3))
    called = {}
    told = replace(fit.runs)  # a stand-in needs to know its runs only

    class Asked:
        runs = told

        def report(self, path, **options):
            called["report"] = options

    def fitted(data, **options):
        called["fit"] = data, options
        return Asked()

    kept, palm_bayes.fit = palm_bayes.fit, fitted
    try:
        exec(code, {})
    finally:
        palm_bayes.fit = kept
    seed, questions = called["report"].pop("seed"), Questions(**called["report"])
    assert (seed, replace(questions, rule=None)) == (3, replace(asked, rule=None))
    assert repr(_flat(questions.rule)) == repr(_flat(rule))
    assert called["fit"][1]["seed"] == 1
    assert called["fit"][1]["priors"] == "default"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (["runs.csv"] * 2, "runs.csv"),
        (["out/margin_1.csv", "out/margin_2.csv"], "out"),
        (["out/margin/run_1/acc.csv", "out/random/run_1/acc.csv"], "out"),
        (["runs.csv", "/lab/runs.csv"], ["runs.csv", "/lab/runs.csv"]),
    ],
)
def test_the_recipe_names_what_holds_all_files(fit, files, path):
    runs = dict(zip(fit.runs.origins, files, strict=False))
    assert recipe.data_path(replace(fit.runs, origins=runs)) == path


def test_files_on_several_drives_have_no_folder_in_common(fit, monkeypatch):
    def commonpath(paths):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(recipe.os.path, "commonpath", commonpath)
    files = ["/c/margin.csv", "/d/random.csv"]
    runs = dict(zip(fit.runs.origins, files, strict=False))
    assert recipe.data_path(replace(fit.runs, origins=runs)) == files


def test_the_recipe_reads_the_same_data(fit, read):
    options = recipe.reading(fit.runs)
    again = palm_bayes.read(recipe.data_path(fit.runs), **options)
    assert again.sha256() == fit.runs.sha256()


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["margin_1"], ""),
        (["margin_3"], ""),
        (["margin_1", "margin_3"], "margin_3"),
        (["random"], ""),
        (["margin_1"], f"margin_1/{Y_FILE}"),
    ],
)
def test_the_recipe_reads_the_same_run_of_a_palm_folder(tmp_path, names, read):
    for i, name in enumerate(names):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / Y_FILE, np.linspace(0.5, 0.8, 5) + 0.01 * i)
        np.save(tmp_path / name / X_FILE, 20 * np.arange(1, 6))
    runs = palm_bayes.read(tmp_path / read)
    again = palm_bayes.read(recipe.data_path(runs), **recipe.reading(runs))
    assert again.sha256() == runs.sha256()


def test_the_recipe_lists_files_without_a_folder_in_common(tmp_path, monkeypatch, fit, read):
    monkeypatch.chdir(tmp_path)
    there = fit.runs.table.drop(columns="x")
    (tmp_path / "lab").mkdir()
    files = ["random.csv", str(tmp_path / "lab" / "entropy.csv")]
    for file, (_, part) in zip(files, there.groupby("strategy", sort=False), strict=True):
        part.to_csv(file, index=False)
    told = replace(fit, runs=palm_bayes.read(files))
    again = palm_bayes.read(recipe.data_path(told.runs), **recipe.reading(told.runs))
    assert again.sha256() == told.runs.sha256()
    first, _ = recipe.shell(report_of(told, Questions())).replace("\\\n", " ").splitlines()
    assert shlex.split(first)[2:4] == files


def test_the_recipe_tells_how_to_read(fit, read):
    how = {"columns": {"accuracy": "test_acc"}, "layout": "wide", "pool": 500.0}
    told = fit.refit(replace(fit.runs, read_with=how))
    report = report_of(told, Questions())
    assert recipe.reading(told.runs).items() >= how.items()
    assert "columns={'accuracy': 'test_acc'}," in recipe.python(report)
    first, _ = recipe.shell(report).replace("\\\n", " ").strip().splitlines()
    words = shlex.split(first)
    assert words[words.index("--column") + 1] == "accuracy=test_acc"
    assert words[words.index("--layout") + 1] == "wide"
    assert words[words.index("--pool") + 1] == "500"


@pytest.mark.parametrize(
    "asked",
    [
        Questions(target=0.9),
        Questions(target=0.9, assurance=0.9, within=600, pool=900, at=300, strategy="random"),
        Questions(rule=NetValue(0.5, 80, 2) | Plateau(0.01, 60)),
        Questions(
            target=0.9, within=600, rule=Target(0.9) | Unreachable(0.9, 600, 0.1) | Budget(600)
        ),
    ],
)
def test_commands_of_the_recipe_make_the_same_page(fit, asked, tmp_path, monkeypatch, read):
    report = report_of(fit, asked)
    _, last = recipe.shell(report).replace("\\\n", " ").strip().splitlines()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "palm_fit_out").mkdir()
    fit.save(tmp_path / "palm_fit_out" / "trace.nc")
    assert cli.main(shlex.split(last)[1:]) == 0
    text = read((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert all(finding.reason in text for finding in report.decision.decisive)
    assert all(finding.rule in text for finding in report.decision.findings)
    assert report.comparison.sentence in text


@pytest.mark.parametrize(
    "rule",
    [
        Target(0.9) & Plateau(0.01, 60),
        Target(0.9) | Plateau(0.01, 60, 0.7),
        Target(0.9) | Budget(600),  # with a budget the command adds a rule
    ],
)
def test_no_command_is_told_where_it_would_ask_something_else(fit, rule):
    assert recipe.shell(report_of(fit, Questions(target=0.9, rule=rule))) is None


def test_own_priors_are_asked_for(fit, monkeypatch):
    about = about_fit(fit.trace)
    about["sampling"]["priors"] = "own"
    monkeypatch.setattr(recipe, "about_fit", lambda _: about)
    report = report_of(fit, Questions())
    assert "priors=priors,  # custom" in recipe.python(report)
    assert recipe.shell(report) is None
