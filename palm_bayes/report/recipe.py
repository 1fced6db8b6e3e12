"""Code that reproduces a report, in Python and on the command line."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palm_bayes.data.score import Score
from palm_bayes.decisions.rule_logic import AllOf, AnyOf, Rule
from palm_bayes.decisions.stopping_rules import NetValue, Plateau, Unreachable
from palm_bayes.inference.saved import about_fit
from palm_bayes.reading.read import reading_of
from palm_bayes.reading.run_names import Y_FILE
from palm_bayes.report.contents import Questions, Report

if TYPE_CHECKING:
    from palm_bayes.data.runs import Runs

_NO_FILE = "runs.csv"  # for runs that were not read from a file
SAMPLING = ("draws", "tune", "chains", "target_accept", "sampler", "seed")
# Options of the command line whose name is not that of Python.
_READING = {
    "strategies": "strategy",
    "batch": "budget-size",
    "columns": "column",
    "max_repetitions": "num-variants",
    "max_episodes": "episodes",
}
_QUESTIONS = {"within": "budget", "strategy": "with"}
_HOPELESS = Unreachable.probability  # by default


def data_path(runs: "Runs") -> str | list[str]:
    """Return the table or folder that runs were read from; a default name if none.

    The path is as the user gave it. Files are listed if they have no folder in common.
    """
    files = list(dict.fromkeys(runs.origins.values()))
    if not files:
        return _NO_FILE
    if len({Path(file).is_absolute() for file in files}) > 1:  # so they were given as a list
        return files
    if len(files) > 1:
        try:
            return os.path.commonpath([Path(file).parent for file in files])
        except ValueError:  # they are on several drives of Windows
            return files
    (strategy, repetition), *_ = runs.origins
    path = Path(files[0])
    if path.name != Y_FILE or strategy == path.stem:
        return files[0]
    # Labels are in another file of its folder. Read alone, a folder is repetition 1.
    return str(path.parent if repetition == "1" else path.parent.parent)


def reading(runs: "Runs") -> dict[str, Any]:
    """Return the options of `palm_bayes.read` that reproduce `runs`."""
    usual = asdict(Score())
    given = {n: value for n, value in reading_of(runs).given.items() if value != usual.get(n)}
    return {
        "strategies": list(runs.strategies),
        **given,
        "max_repetitions": int(runs.table.groupby("strategy")["repetition"].nunique().max()),
        "max_episodes": int(runs.table["episode"].max()),
    }


def python(report: Report) -> str:
    """Write a script that makes the report from the data."""
    about = about_fit(report.fit.trace)
    sampling = {name: about["sampling"][name] for name in SAMPLING}
    arguments = reading(report.fit.runs) | _priors(about) | sampling
    given = {name: value for name, value in report.questions.given.items() if name != "rule"}
    asked = given | ({"seed": report.seed} if report.seed else {})
    rule, names = report.questions.rule, ""
    if rule is not None:
        leaves = sorted({type(leaf).__name__ for leaf in rule.leaves()})
        names = f"from palm_bayes import {', '.join(leaves)}\n"
    shown = [f"{name}={_python_literal(value)}" for name, value in asked.items()]
    shown += [f"rule={_rule_in_python(rule)}"] if rule is not None else []
    shown_of = ", ".join(['"report.html"', *shown])
    if "fits" in about:
        fits = f"fit = palm_bayes.PalmFit.load({', '.join(map(repr, about['fits']))})"
        return f"import palm_bayes\n{names}\n{fits}\nfit.report({shown_of})\n"
    options = "".join(
        f"    {name}={_python_literal(value)},\n" for name, value in arguments.items()
    )
    if about["sampling"]["priors"] == "own":
        options += "    priors=priors,  # custom, a palm_bayes.Priors\n"
    if about["sampling"]["prior"] == "own":
        options += "    prior=prior,  # custom, a palm_bayes.Learned\n"
    return (
        f"import palm_bayes\n{names}\n"
        f"fit = palm_bayes.fit(\n    {data_path(report.fit.runs)!r},\n{options})\n"
        f"assert fit.runs.sha256() == {about['data_sha256']!r}\n"
        f"fit.report({shown_of})\n"
    )


def shell(report: Report) -> str | None:
    """Write commands that make the report from the data; None if they cannot."""
    about, asked = about_fit(report.fit.trace), _question_flags(report.questions)
    if asked is None or "own" in {about["sampling"][name] for name in ("priors", "prior")}:
        return None
    words = ["palm-bayes", "fit", *_option_values(data_path(report.fit.runs))]
    words += reading_words(reading(report.fit.runs) | _priors(about))
    for name in SAMPLING:
        words += [_flag(name), _as_word(about["sampling"][name])]
    last = ["palm-bayes", "report", *about.get("fits", ["palm_fit_out"]), *asked]
    last += ["--seed", str(report.seed)] if report.seed else []
    first = "" if "fits" in about else _wrapped_command([*words, "--out", "palm_fit_out"]) + "\n"
    return first + _wrapped_command([*last, "--out", "report.html"]) + "\n"


def reading_words(given: Mapping[str, Any]) -> list[str]:
    """Return options of reading, by their names in Python, as words of a command line."""
    words = []
    for name, value in given.items():
        flag = _flag("fraction" if value is False else _READING.get(name, name))
        for one in _option_values(value):
            words += [flag] if isinstance(one, bool) else [flag, _as_word(one)]
    return words


def _priors(about: dict[str, Any]) -> dict[str, str]:
    names = {name: about["sampling"][name] for name in ("priors", "prior")}
    return {name: value for name, value in names.items() if value not in {"", "own"}}


def _python_literal(value: Any) -> str:
    """Format a value for Python: 20, not 20.0."""
    return f"{value:.12g}" if isinstance(value, float) else repr(value)


def _option_values(value: Any) -> list[Any]:
    """List the values of an option that may be repeated."""
    if isinstance(value, dict):
        return [f"{word}={name}" for word, name in value.items()]
    return value if isinstance(value, list) else [value]


def _alternatives(rule: Rule) -> list[Rule]:
    """Flatten alternatives: the rules of which any stops."""
    return (
        [one for part in rule.rules for one in _alternatives(part)]
        if isinstance(rule, AnyOf)
        else [rule]
    )


def _rule_in_python(rule: Rule) -> str:
    if isinstance(rule, AllOf):
        return " & ".join(f"({_rule_in_python(part)})" for part in rule.rules)
    return " | ".join(
        f"({_rule_in_python(part)})" if isinstance(part, AllOf) else repr(part)
        for part in _alternatives(rule)
    )


def _question_flags(questions: Questions) -> list[str] | None:
    """Return options of the command; None if it has none for a rule."""
    of_rule = {} if questions.rule is None else _rule_flags(questions, questions.rule)
    if of_rule is None:
        return None
    given = {n: value for n, value in questions.given.items() if n not in {"rule", "force"}}
    flags = {_flag(_QUESTIONS.get(name, name)): value for name, value in given.items()} | of_rule
    words = [word for flag, value in flags.items() for word in (flag, _as_word(value))]
    return words + ["--force"] * questions.force


def _rule_flags(questions: Questions, rule: Rule) -> dict[str, float | str] | None:
    """Return options for a rule beyond target, budget and pool; None if there are none."""
    flags: dict[str, float | str] = {}
    limits: list[Rule] = []
    for part in _alternatives(rule):
        match part:
            case Plateau(gain, labels, questions.assurance):
                flags |= {"--min-gain": gain, "--within": labels}
            case NetValue(cost, value, episode):
                flags |= {"--label-cost": cost, "--point-value": value, "--episode-cost": episode}
            case Unreachable(target, budget, probability) if probability != _HOPELESS:
                flags |= {"--hopeless": probability}
                limits.append(Unreachable(target, budget))
            case _:
                limits.append(part)
    return flags if set(limits) == set(questions.limits) else None


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _as_word(value: Any) -> str:
    return value if isinstance(value, str) else _python_literal(value)


def _wrapped_command(words: list[str]) -> str:
    """Format a command, with line breaks before options if it is long."""
    lines = [""]
    for i, word in enumerate(map(shlex.quote, words)):
        starts = word.startswith("--") and i > 0
        if starts and len(lines[-1]) > 70:
            lines.append("   ")
        lines[-1] += f" {word}" if lines[-1] else word
    return " \\\n".join(lines)
