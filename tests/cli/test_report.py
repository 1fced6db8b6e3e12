"""`palm-bayes report`, on the shared fit."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from palm_bayes.cli import app as cli
from palm_bayes.cli.source import Source
from palm_bayes.inference.convergence import Convergence


@pytest.fixture
def saved(fit, tmp_path):
    fit.save(tmp_path / "trace.nc")
    return str(tmp_path)


def test_it_prints_the_verdict_and_writes_the_page(saved, fit, capsys, tmp_path):
    page = tmp_path / "new" / "page.html"
    assert cli.main(["report", saved, "-o", str(page), "--target", "0.93"]) == 0
    out = capsys.readouterr().out
    text = re.sub("</?span[^>]*>", "", page.read_text(encoding="utf-8"))
    text = unescape(text).replace("\N{NO-BREAK SPACE}", " ")
    needed = fit.labels_to_reach(0.93)
    for sentence in (fit.compare(at=needed.soonest).sentence, needed.sentence):
        assert sentence in out
        assert sentence in text
    assert f"Written to {page}" in out


def test_progress_names_each_part(saved, capsys, tmp_path):
    page = str(tmp_path / "r.html")
    steps = ["checking the questions", f"loading {saved}/trace.nc", "comparing strategies"]
    drawn = ["curves", "comparison", "sources of uncertainty"]
    ends = ["writing the tables", "packing the draws for questions"]
    assert cli.main(["report", str(saved), "-o", page]) == 0
    told = [*steps, *(f"drawing the {part}" for part in drawn), *ends]
    assert capsys.readouterr().err.splitlines() == told
    assert cli.main(["report", str(saved), "-o", page, "--target", "0.93"]) == 0
    more = [*steps[:2], "counting labels", steps[2], "deciding"]
    drawn.insert(1, "labels needed")
    told = [*more, *(f"drawing the {part}" for part in drawn), *ends]
    assert capsys.readouterr().err.splitlines() == told


def test_json_has_all_results(saved, capsys, tmp_path):
    page = tmp_path / "page.html"
    options = ["--min-gain", "0.01", "--within", "60", "--with", "random", "--at", "300", "--json"]
    assert cli.main(["report", saved, "-o", str(page), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == str(page)
    assert told["comparison"]["at"] == 300
    assert told["decision"]["strategy"] == "random"
    assert told["labels_to_reach"] is None
    questions = ["Stop or continue?", "Which strategy?", "Can it be relied on?"]
    assert list(told["answers"]) == questions
    assert told["sentence"] == " ".join(told["answers"].values())
    assert told["converged"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "120"], "the target is 120, but must be above 0 and at most 1"),
        (["--target", "0.93", "--budget", "100"], "the budget (within, --budget) is 100, but must"),
        (
            ["--target", "0.93", "--budget", "600", "--pool", "300"],
            "the budget (within, --budget) is 600, but must be at most the pool (--pool), 300",
        ),
        (
            ["--budget", "600"],
            "a budget or a pool (--budget, --pool) is only a limit: add --target or a stop rule",
        ),
        (
            ["--min-gain", "0.01", "--within", "60", "--budget", "90"],
            "the budget (within, --budget) is 90, but must be at least the 240 labels",
        ),
        (["--min-gain", "0.01"], "--min-gain needs --within"),
        (["--with", "rndom", "--target", "0.9"], "did you mean 'random'?"),
        (["--at", "5"], "at is 5"),
        (["--out", "page.pdf"], "must end in .html"),
        (["--draws", "10"], "is a saved fit"),
    ],
)
def test_bad_input_is_one_line_and_no_page(saved, capsys, tmp_path, options, words):
    page = tmp_path / "page.html"
    assert cli.main(["report", saved, "-o", str(page), *options, "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("palm-bayes: error: ")
    assert words in line
    assert not page.exists()


def test_help_teaches(capsys):
    assert cli.main(["report", "--help"]) == 0
    out = capsys.readouterr().out
    assert "palm-bayes report palm_fit_out -o report.html" in out
    assert "loads nothing else" in out


def test_status_tells_that_a_fit_has_not_converged(fit, monkeypatch, tmp_path, capsys):
    table = fit.convergence.table.copy()
    table.loc["random", ["passed", "advice"]] = [False, "take more draws."]
    doubted = replace(fit, convergence=Convergence(table))
    monkeypatch.setattr(Source, "fit", lambda source, step, note: doubted)
    page = tmp_path / "page.html"
    assert cli.main(["report", str(tmp_path), "-o", str(page)]) == 3
    assert "random: take more draws." in capsys.readouterr().out
    assert "Do not rely on this page yet" in page.read_text(encoding="utf-8")


def test_only_a_page_of_palm_bayes_is_replaced(saved, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("palm_bayes.report.page.html", lambda *_: "<p>new</p>")
    page = tmp_path / "page.html"
    page.write_text("<p>mine</p>", encoding="utf-8")
    args = ["report", saved, "-o", str(page), "--quiet"]
    assert cli.main(args) == 2
    assert (
        "page.html was not written by palm-bayes, so it is kept: name another"
        in capsys.readouterr().err
    )
    assert page.read_text(encoding="utf-8") == "<p>mine</p>"
    assert cli.main([*args, "--overwrite"]) == 0
    assert page.read_text(encoding="utf-8") == "<p>new</p>"
    page.write_text('<meta name="generator" content="palm_bayes 0">', encoding="utf-8")
    assert cli.main(args) == 0
    assert page.read_text(encoding="utf-8") == "<p>new</p>"
