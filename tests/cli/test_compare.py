"""The commands compare and budget, on the shared fit; how they get one is tested elsewhere."""

import io
import json

import pandas as pd
import pytest

from palm_bayes.cli import app as cli
from palm_bayes.decisions.information_value import pilot_value
from palm_bayes.display import percent


@pytest.fixture
def saved(fit, tmp_path):
    fit.save(tmp_path / "trace.nc")
    return str(tmp_path)


def test_compare_prints_table_and_sentence(saved, fit, capsys):
    assert cli.main(["compare", saved, "--at", "500"]) == 0
    text = capsys.readouterr().out
    assert fit.compare(500).sentence in text
    assert "P(best)" in text


def test_compare_prints_json_and_draws(saved, fit, capsys, tmp_path):
    figure = tmp_path / "new" / "c.png"
    options = ["--at", "500", "--until", "600", "--reference", "entropy", "--rope", "0.02"]
    assert cli.main(["compare", saved, *options, "--json", "--figure", str(figure)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["converged"]
    assert (told["at"], told["until"], told["rope"]) == (500, 600, 0.02)
    assert told["reference"] == "entropy"
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("suffix", "begins"), [(".pdf", b"%PDF"), (".svg", b"<?xml"), (".png", b"\x89PNG")]
)
def test_figures_have_the_format_of_their_suffix(saved, capsys, tmp_path, suffix, begins):
    figure = tmp_path / f"c{suffix}"
    assert cli.main(["budget", saved, "--target", "0.9", "--figure", str(figure)]) == 0
    assert figure.read_bytes().startswith(begins)


def test_figures_have_the_size_and_style_asked_for(saved, capsys, tmp_path):
    from matplotlib.image import imread

    figure = tmp_path / "c.png"
    options = ["--size", "5x3", "--dpi", "40", "--style", "dark_background"]
    assert cli.main(["compare", saved, "--figure", str(figure), *options]) == 0
    pixels = imread(figure)
    assert pixels.shape[:2] == (120, 200)
    assert pixels[0, 0, :3] == pytest.approx([0, 0, 0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--style", "gglot"], "gglot is neither a file nor a style sheet of Matplotlib: ggplot"),
        (["--size", "9"], "--size 9: give width x height, each 1 to 100 inches, such as 6x4"),
        (["--size", "3.2x4"], "3.2x4: text would be cut off; give at least 3.3 inches wide and 2"),
        (["--size", "4x1.9"], "4x1.9: text would be cut off"),
        (["--at", "5"], "at is 5, but must be at least the first labels seen: 20"),
        (["--rope", "2"], "rope is 2"),
        (["--reference", "best"], "no strategy 'best'"),
        (["--figure", "c.xyz"], "try .png, .pdf or .svg"),
        (["--draws", "10"], "is a saved fit"),
    ],
)
def test_compare_refuses_in_one_line(saved, capsys, options, words):
    assert cli.main(["compare", saved, *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("palm-bayes: error: ")
    assert words in error


def test_budget_prints_tables_and_sentence(saved, fit, capsys, tmp_path):
    options = ["--target", "0.9", "--within", "400", "--alda-csv", str(tmp_path / "alda")]
    assert cli.main(["budget", saved, *options]) == 0
    text = capsys.readouterr().out
    assert fit.labels_to_reach(0.9, within=400).sentence in text
    assert "P(by 400)" in text
    assert "near cheapest" in " ".join(text.split())
    assert {path.name for path in (tmp_path / "alda").iterdir()} == {
        "alda_fits.csv",
        "alda_advice.csv",
    }


def test_budget_prints_json(saved, capsys):
    options = ["--target", "0.9", "--single-run", "--assurance", "0.9", "--json"]
    assert cli.main(["budget", saved, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["target"], told["scope"], told["assurance"]) == (0.9, "new", 0.9)
    assert {row["strategy"] for row in told["strategies"]} == {"random", "entropy"}


def test_a_budget_tells_the_distance_of_its_answer(saved, fit, capsys):
    """And that of the tables, which go on to four times the labels seen."""
    found = fit.labels_to_reach(0.91)
    best, budget = found.table.loc[0, ["strategy", "budget"]]
    assert 240 < budget < 480
    assert cli.main(["budget", saved, "--target", "0.91", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["worth"]
    assert fit.worth(budget, [best], 960) in told
    assert "Tables and figures extend to 4.0 times" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "120"], "the target is 120, but must be above 0 and at most 1"),
        (["--target", "0.9", "--within", "100"], "must be at least the 240 labels seen"),
        (["--target", "0.9", "--within", "600", "--until", "300"], "at most until, 300"),
        ([], "Missing option '--target'"),
    ],
)
def test_budget_refuses_in_one_line(saved, capsys, options, words):
    assert cli.main(["budget", saved, *options]) == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_csv_has_the_numbers_of_the_tables(saved, fit, capsys):
    assert cli.main(["compare", saved, "--at", "500", "--format", "csv"]) == 0
    found, table = fit.compare(500), pd.read_csv(io.StringIO(capsys.readouterr().out))
    pd.testing.assert_frame_equal(table[list(found.ranking)], found.ranking, rtol=1e-7)
    assert {"share", "share_upper", "p_faster", "p_worse"} <= set(table)
    assert cli.main(["budget", saved, "--target", "0.9", "--format", "csv"]) == 0
    found, table = fit.labels_to_reach(0.9), pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["budget"].tolist() == found.table["budget"].tolist()
    assert {"B_abs", "W", "p_chosen"} <= set(table)


def test_today_and_later_are_said(fit):
    today, later = fit.compare(), fit.compare(500)
    first = today.ranking.iloc[0]
    assert today.sentence.startswith(f"Today (240 labels) {first['strategy']} comes first")
    assert later.sentence.startswith("At 500 labels ")
    best = today.ranking.loc[today.ranking["p_best"].idxmax()]
    words = f"Today (240 labels) {best['strategy']} is best with {percent(best['p_best'])}"
    assert words in later.sentence


def test_pilot_prints_table_and_sentence(saved, fit, capsys):
    found = pilot_value(fit, 600)
    assert cli.main(["pilot", saved, "--at", "600"]) == 0
    text = capsys.readouterr().out
    assert " ".join(found.sentence.split()) in " ".join(text.split())
    assert "one more" in text
    assert cli.main(["pilot", saved, "--at", "600", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sentence"] == found.sentence
    assert [row["value"] for row in told["pilots"]] == found.table["value"].tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "0"], "labels are 0, but must be at least the first seen: 20"),
        ([], "--at"),
        (["--at", "600", "--draws", "9"], "a saved fit"),
    ],
)
def test_pilot_refuses_in_one_line(saved, capsys, options, words):
    assert cli.main(["pilot", saved, *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("palm-bayes: error: ")
    assert words in error
