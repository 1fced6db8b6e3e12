"""`palm-bayes stop` and `watch`, with the fit of all tests in place of a saved one."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from palm_bayes.cli import app as cli
from palm_bayes.cli import stop as cli_stop
from palm_bayes.cli.source import Source
from palm_bayes.decisions.stopping_rules import Budget, Target, Unreachable
from palm_bayes.errors import DataError
from palm_bayes.reading.read import read


@pytest.fixture
def run(fit, monkeypatch, capsys, tmp_path):
    """Return a function that runs `stop` on the fit, and gives status, stdout and stderr."""
    monkeypatch.setattr(Source, "fit", lambda source, step, note: fit)

    def stop(*args):
        status = cli.main(["stop", str(tmp_path), *map(str, args)])
        return status, *capsys.readouterr()

    return stop


def test_it_says_what_to_do_and_why(run):
    status, out, _ = run("--target", 0.5)
    assert status == 0
    assert "0.5 is reached with a probability of at least 80 %" in out
    assert "Stop at 240 labels with" in out
    assert "Would change with a target above" in out


def test_its_worth_is_that_of_the_strategy_in_use(run, fit, monkeypatch):
    asked = []
    monkeypatch.setattr(type(fit), "worth", lambda _, *of: asked.append(of) or "worth")
    run("--target", 0.99, "--with", "random")
    run("--target", 0.85, "--with", "random")  # is reached: no forecast is needed
    run("--min-gain", 0.5, "--within", 60, "--with", "random")
    assert asked == [(budget, ["random"]) for budget in (480, 240, 300)]


def test_json_has_the_decision_and_its_numbers(run, fit):
    options = ("--target", 0.99, "--budget", 300, "--with", "random", "--json")
    status, out, _ = run(*options)
    told = json.loads(out)
    assert status == 0
    assert told["action"] in {"continue", "stop", "switch"}
    assert told["labels"] == 240
    assert [f["rule"].split()[1] for f in told["findings"]][:3] == ["is", "is", "budget"]
    assert told["converged"] is True


def test_a_budget_below_the_labels_spent_is_spent(run, fit):
    """As in Python and for `watch`: the last batch of a run may go beyond it."""
    options = ("--target", 0.99, "--budget", 230, "--with", "random")
    _, out, _ = run(*options, "--json")
    rule = Target(0.99) | Unreachable(0.99, 230) | Budget(230)
    assert json.loads(out)["sentence"] == fit.decide(rule, strategy="random").sentence
    assert "the budget of 230 labels is spent" in out
    assert run(*options, "--exit-code")[0] == 10


def test_all_rules_can_be_asked_for(run):
    _, out, _ = run(
        *("--target", 0.9, "--budget", 300, "--pool", 500, "--min-gain", 0.01, "--within", 60),
        *("--label-cost", 1, "--point-value", 5, "--episode-cost", 2, "--json"),
    )
    rules = [finding["rule"] for finding in json.loads(out)["findings"]]
    assert rules == [
        "0.9 is reached with a probability of at least 80 %",
        "0.9 is reached within 300 labels with a probability below 5 %",
        "60 more labels gain less than 0.01 with a probability of at least 80 %",
        (
            "no further episode is worth its cost "
            "(1 per label, 2 per episode; an accuracy point is worth 5)"
        ),
        "the budget of 300 labels is spent",
        "the pool of 500 labels is labelled",
    ]


@pytest.mark.parametrize(("target", "action", "code"), [(0.5, "stop", 10), (0.999, "continue", 0)])
def test_exit_code_is_the_answer(run, target, action, code):
    status, out, _ = run("--target", target, "--exit-code", "--json")
    assert (json.loads(out)["action"], status) == (action, code)
    assert run("--target", target)[0] == 0


def test_exit_code_of_no_answer(run, fit, monkeypatch):
    monkeypatch.setattr(
        "palm_bayes.decisions.decide.DOUBTS", (lambda *_: "this is made up",), raising=True
    )
    status, out, _ = run("--target", 0.5, "--exit-code")
    assert status == 11
    assert "Cannot say" in out


def test_costs_come_from_the_environment(run, monkeypatch):
    monkeypatch.setenv("PALM_BAYES_LABEL_COST", "0.5")
    monkeypatch.setenv("PALM_BAYES_POINT_VALUE", "80")
    _, out, _ = run("--json")
    (finding,) = json.loads(out)["findings"]
    assert "0.5 per label; an accuracy point is worth 80" in finding["rule"]


@pytest.mark.parametrize("form", ["csv", "latex", "markdown"])
def test_formats_have_the_rules_on_stdout_and_the_answer_on_stderr(run, form):
    status, out, err = run("--target", 0.5, "--format", form)
    assert status == 0
    assert "0.5 is reached with a probability of at least 80" in out
    assert "Stop at 240" not in out
    assert "Stop at 240 labels with" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "No stop rule is given"),
        (("--budget", 500), "No stop rule is given"),
        (("--min-gain", 0.01), "--min-gain needs --within"),
        (("--point-value", 1), "--point-value needs --label-cost"),
        (("--target", 120), "the target is 120, but must be above 0 and at most 1"),
        (("--target", -1), "accuracy is -1, but must be above 0"),
        (("--target", 0.9, "--assurance", 80), "probability is 80"),
        (("--target", 0.9, "--pool", 100), "the pool is 100, but 240 labels are spent with"),
        (("--target", 0.9, "--with", "rndom"), "did you mean 'random'?"),
    ],
)
def test_bad_input_is_one_line(run, args, message):
    status, out, err = run(*args, "--quiet")
    assert status == 2
    assert out == ""
    assert err.startswith("palm-bayes: error: ")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.fixture
def watch(fit, monkeypatch, tmp_path, capsys):
    """Return a function that watches a table, which `grow` writes at every look."""
    table, lines = tmp_path / "runs.csv", fit.runs.table.to_csv(index=False).splitlines()
    seen = []

    def fitted(source, step, note, before):
        assert before is (fit if max(seen, default=0) >= 9 else None)
        seen.append(len(source.paths[0].read_text().splitlines()))
        if seen[-1] < 9:
            raise DataError("too few episodes")
        return fit

    def run(*args):
        written = iter((5, 5, 9, 10))

        def grow(_):
            text = "\n".join(lines[: next(written)])
            if not table.exists() or table.read_text() != text:
                table.write_text(text)

        grow(0)
        monkeypatch.setattr(cli_stop.time, "sleep", grow)
        monkeypatch.setattr(Source, "fit", fitted)
        status = cli.main(["watch", str(table), *map(str, args)])
        return status, *capsys.readouterr()

    run.seen = seen
    return run


def test_watch_waits_for_episodes_and_ends_with_stop(watch):
    status, out, err = watch("--target", 0.5)
    assert status == 0
    assert out.startswith("Stop at 240 labels")
    assert "waiting for more: too few episodes" in err


def test_watch_waits_for_files_that_match_a_glob(fit, monkeypatch, tmp_path, capsys):
    def fitted(source, step, note, before):
        read(source.paths, source.reading)
        return fit

    def appear(_):
        (tmp_path / "out").mkdir()
        fit.runs.table.drop(columns="x").to_csv(tmp_path / "out" / "runs.csv", index=False)

    monkeypatch.setattr(Source, "fit", fitted)
    monkeypatch.setattr(cli_stop.time, "sleep", appear)
    assert cli.main(["watch", str(tmp_path / "*" / "runs.csv"), "--target", "0.5"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Stop at 240 labels")
    assert "waiting for more: " in err
    assert "matches no file" in " ".join(err.split())


def test_watch_fits_what_has_changed(watch):
    with pytest.raises(StopIteration):  # nothing more is written, and it would go on
        watch("--target", 0.999, "--json")
    assert watch.seen == [5, 9, 10]


def test_watch_may_pass_its_budget(watch):
    status, out, _ = watch("--target", 0.999, "--budget", 230, "--json")
    assert status == 0
    assert json.loads(out)["action"] == "stop"


def test_watch_does_not_wait_for_a_better_target(watch):
    status, _, err = watch("--target", 120)
    assert status == 2
    assert "the target is 120, but must be above 0 and at most 1" in err


@pytest.fixture
def growing(fit, monkeypatch, tmp_path, capsys):
    """Return a function that watches a table of these scores, one more at every look."""
    table, fitted = tmp_path / "runs.csv", []

    def fit_runs(runs, **_):
        fitted.append(runs)
        return replace(fit, runs=replace(fit.runs, score=runs.score))

    def run(scores, *args):
        lengths = iter(range(4, len(scores) + 1))

        def grow(_=None):
            rows = [f"random,{20 * i},{y}" for i, y in enumerate(scores[: next(lengths)], 1)]
            table.write_text("\n".join(["strategy,labels,mAP", *rows]))

        grow()
        monkeypatch.setattr("palm_bayes.palm_fit.fit_runs", fit_runs)
        monkeypatch.setattr(type(fit), "refit", lambda _, runs, **__: fit_runs(runs))
        monkeypatch.setattr(cli_stop.time, "sleep", grow)
        with suppress(StopIteration):
            run.status = cli.main(["watch", str(table), *map(str, args)])
        run.err = " ".join(capsys.readouterr().err.split())
        return [runs.score.percent for runs in fitted]

    return run


BELOW_1 = [0.4, 0.6, 0.8, 0.9]
LATER = [12, 14, 18, 22]


def test_watch_asks_for_the_unit_of_scores_below_1_and_a_target_above(growing):
    assert growing(BELOW_1, "--target", 30) == []
    assert growing.status == 2
    assert "the target is 30, but each mAP so far is at most 1" in growing.err
    assert "--percent" in growing.err
    assert "--fraction" in growing.err


@pytest.mark.parametrize(("unit", "percent"), [("--percent", True), ("--fraction", False)])
def test_watch_does_not_ask_where_the_unit_is_given(growing, unit, percent):
    assert growing(BELOW_1, "--target", 95, unit) == [percent]


def test_watch_says_that_the_unit_changes(growing):
    units = growing(BELOW_1 + LATER, "--label-cost", 0, "--point-value", 1e9, "--force")
    assert units[0] is False
    assert units[-1] is True
    assert "now read as percent, fitted anew; --percent or --fraction fixes it" in growing.err


def test_watch_ends_where_the_target_is_of_the_unit_before(growing):
    growing(BELOW_1 + LATER, "--target", 0.999)
    assert growing.status == 2
    assert "the target is 0.999, but the data are in percent: give 99.9" in growing.err


def test_watch_takes_runs(tmp_path, capsys):
    (tmp_path / "trace.nc").touch()
    assert cli.main(["watch", str(tmp_path), "--target", "0.9"]) == 2
    assert "is a saved fit: watch takes runs" in capsys.readouterr().err
