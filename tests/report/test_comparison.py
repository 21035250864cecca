"""Runs side by side."""

from pathlib import Path

import pytest

from pinnkit.cli.app import main
from pinnkit.diagnostics.coefficient_interval import Withheld
from pinnkit.report import Comparison
from pinnkit.report.side_by_side import can_draw, plot_solutions
from pinnkit.runs.storage.atomic_files import RunFolderError

from .synthetic import make_declaration, make_grid_fields, make_history, make_run
from .test_page import Page


def runs():
    unknown = {"nu": Withheld.NOT_DETERMINED}
    good, bad = make_run(), make_run(relative_l2={"u": 0.02}, strategy="adam", coefficient_intervals=unknown)
    return {"good": good, "bad": bad}


def test_the_table_has_a_column_for_each_run(capsys):
    Comparison(runs())()
    lines = capsys.readouterr().out.splitlines()
    row = lambda name: next(line for line in lines[1:] if name in line).removeprefix(f" {name}").split()
    assert row("relative L2 error u")[-2:] == ["3.21e-07", "0.0200"]
    assert row("strategy")[-2:] == ["auto", "adam"]
    assert lines[0] == "good has the smallest relative L2 error: 3.21e-07, against 0.0200 in bad."
    assert max(map(len, lines)) <= 100


def test_equal_settings_are_left_out():
    other = make_run(config={"problem": "poisson_1d", "strategy": "adam", "seed": 0, "width": 30})
    assert Comparison({"a": make_run(), "b": other}).setting_table().rows == [
        ("strategy", "auto", "adam"),
        ("versions.jax", "0.10.2", "–"),
        ("width", "–", "30"),
    ]


def test_the_page_has_the_curves_of_all_runs():
    html = Comparison(runs()).html()
    page = Page(html)
    ids = [value for name, value in page.attributes if name == "id"]
    assert {"verdict", "result", "course", "kernel", "settings", "interpretation"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert html.count("<svg") == 5
    assert page.text.count("good") >= 8


@pytest.mark.parametrize(
    ("changes", "beginning"),
    [
        ({"problem": "other"}, "The runs solve different problems: poisson_1d, other"),
        ({"relative_l2": None}, "Not every run has a reference"),
    ],
)
def test_runs_that_cannot_be_ranked_are_reported(changes, beginning):
    assert Comparison({"a": make_run(), "b": make_run(**changes)}).verdict.startswith(beginning)


def test_the_best_figures_are_marked_unless_problems_differ():
    comparison = Comparison(runs())
    assert comparison.best == {("relative L2 error u", 1)}  # the other figures are equal
    html = comparison.html()
    assert html.count('class="best"') == 1 and '<td class="best">3.21e-07</td>' in html
    assert Comparison({"a": make_run(), "b": make_run(problem="other", relative_l2={"u": 0.1})}).best == set()


def test_problems_of_one_name_with_other_coefficients_or_equations_differ():
    changed = make_declaration(coefficients={"nu": "= 0.02"}, equations={"pde": (("u = 0", ""),)})
    comparison = Comparison({"a": make_run(), "b": make_run(declared=changed)})
    assert comparison.verdict == (
        "The runs solve different problems: coefficient nu = 0.01 or = 0.02; condition pde; condition walls."
    )
    assert comparison.verdict in Page(comparison.html()).text


def test_solutions_are_drawn_side_by_side_on_one_scale():
    planes = {name: make_run(snapshot=make_grid_fields(("x", "t"))) for name in ("a", "b")}
    images = [ax for ax in plot_solutions(planes).axes if ax.images]
    assert [ax.get_title() for ax in images] == ["a: u", "b: u", "a: u − reference", "b: u − reference"]
    assert images[0].images[0].norm.vmax == images[1].images[0].norm.vmax
    (ax,) = plot_solutions(runs()).axes
    assert len(ax.lines) == 3  # two runs and the reference
    assert not can_draw({"a": make_run(), "b": planes["b"]})


def test_runs_without_steps_compare():
    empty = make_run(history=make_history(steps=0), relative_l2=None, max_error=None)
    comparison = Comparison({"a": empty, "b": make_run()})
    rows = {row[0]: row[1:] for row in comparison.result_table().rows}
    assert rows["steps"] == ("0", "800") and rows["relative L2 error u"] == ("–", "3.21e-07")
    assert comparison.html().count("<svg") == 5


def test_a_comparison_takes_two_runs(tmp_path):
    with pytest.raises(ValueError, match="two or more runs, got 1"):
        Comparison({"a": make_run()})
    with pytest.raises(RunFolderError, match="not a run folder"):
        Comparison.load([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(ValueError, match="is given twice"):
        Comparison.load([tmp_path / "a", tmp_path / "b" / ".." / "a"])


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, run in runs().items():
        run.save(tmp_path / name)
    runs()["bad"].save(tmp_path / "more" / "good")
    return tmp_path


def test_the_command_prints_a_table(folders, capsys):
    assert main(["compare", "good", "bad"]) == 0
    out, err = capsys.readouterr()
    assert "relative L2 error u" in out and err == ""
    assert main(["compare", "good", "bad", "more/good"]) == 0
    assert "more/good" in capsys.readouterr().out


def test_the_command_writes_and_opens_a_page(folders, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    assert main(["compare", "good", "bad", "--html", "out/both.html"]) == 0
    assert Path("out/both.html").read_text().startswith("<!doctype html>") and not opened
    assert main(["compare", "good", "bad", "--open"]) == 0
    assert opened == [(folders / "comparison.html").as_uri()]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["compare"], "two or more runs, got 0"),
        (["compare", "good"], "two or more runs, got 1"),
        (["compare", "good", "good"], "given twice"),
        (["compare", "good", "none"], "'none' is not a run folder"),
        (["compare", "good", "bad", "--html", "good/summary.json/x.html"], "cannot write to"),
        (["watch", "none"], "no running fit in 'none'"),
        (["watch", "good"], "the run in 'good' has ended"),
        (["watch", "good", "--every", "0"], "`every` is a finite number"),
    ],
)
def test_invalid_input_is_reported_on_one_line(folders, capsys, tokens, expected):
    assert main(tokens) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and expected in err


@pytest.mark.slow
def test_a_report_is_opened(folders, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or len(opened) < 2)
    assert main(["report", "good", "--open"]) == 0
    assert opened == [(folders / "good" / "report.html").as_uri()]
    assert main(["report", "good", "--open"]) == 2
    assert "no browser was found" in capsys.readouterr().err
