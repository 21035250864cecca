"""The page is complete, self-contained and safe."""

import os
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from pinnkit.report import Report, figures, write_page
from pinnkit.report.course import training_pictures
from pinnkit.report.html import SECTIONS, _command
from pinnkit.report.tables import check_table, race_score, race_table
from pinnkit.runs.decisions import Attempt, Note
from pinnkit.runs.events import Stage
from pinnkit.runs.stop_reason import StopReason
from pinnkit.runs.storage.atomic_files import RunFolderError
from pinnkit.runs.summary import Summary

from .synthetic import make_check, make_grid_fields, make_history, make_run

NAMES = ("pde", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "$x$")


class Page(HTMLParser):
    """The elements of a page, its attributes, its text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def hostile():
    config = {"problem": "<b>bold</b>", "command": "pinnkit solve '<script>'", "nested": {"<i>": "</pre><script>"}}
    history = make_history(NAMES, fields=("<script>",))
    history.decisions.append(Note("<script>alert(2)</script>"))
    run = make_run(
        history=history,
        config=config,
        snapshot=make_grid_fields(("x", "t"), (("u", 1), ("v", 2))),
        problem="<script>alert(3)</script>",
        stop_reason=StopReason.NOT_FINITE,
        stop_detail="<script>",
        device="<script>",
        relative_l2={"<script>": 0.1},
        max_error={"<script>": 0.1},
        coefficients={"<script>": 1.0},
    )
    return Report(run).html()


@pytest.fixture(scope="module")
def healthy():
    """The page of a healthy run."""
    return Report(make_run()).html()


def test_every_declared_condition_is_listed_with_its_relative_residual():
    checks = {"pde": make_check(2e-4, 0.5), "walls": make_check(0.25, hard=True, holds=False)}
    rows = check_table(make_run(conditions=checks)).rows
    assert [row[:3] for row in rows] == [
        ("pde [1]", "soft", "0.000200"),
        ("pde [2]", "soft", "0.500"),
        ("walls", "hard, violated", "0.250"),
    ]
    assert rows[2][3:] == ("2.00", "1.50", "0.25")
    page = Page(Report(make_run(conditions=checks)).html())
    assert "hard, violated" in page.text and "residual / terms" in page.text and "at x" in page.text
    summary = make_run(conditions=checks).summary
    assert Summary.decoded(summary.encoded()) == summary


def test_nothing_can_execute(hostile):
    page = Page(hostile)
    assert not {"script", "img", "iframe", "object", "link", "i"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script" not in hostile
    assert "{{ 7 * 7 }}" in page.text
    assert page.text.count("<script>alert(1)</script>") >= 3


def test_nothing_is_fetched(hostile):
    references = [value for name, value in Page(hostile).attributes if name in ("src", "href", "xlink:href")]
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in references)
    assert "://" not in hostile
    assert "@import" not in hostile


def test_ids_are_unique_and_references_have_their_targets(hostile):
    attributes = Page(hostile).attributes
    ids = [value for name, value in attributes if name == "id"]
    targets = {value[1:] for name, value in attributes if name == "href" and value.startswith("#")}
    clips = {value[5:-1] for name, value in attributes if name == "clip-path"}
    assert len(ids) == len(set(ids))
    assert targets | clips <= set(ids)


def test_the_page_has_all_sections(healthy):
    ids = [value for name, value in Page(healthy).attributes if name == "id"]
    for section in ("verdict", *SECTIONS):
        assert section in ids
    assert healthy.count("<svg") == healthy.count('aria-label="') - 1 == 13  # and the navigation
    assert healthy.startswith("<!doctype html>")


def test_the_page_has_the_command_that_repeats_the_run(healthy, hostile):
    assert "pinnkit solve '<script>'" in Page(hostile).text
    assert "pinnkit.fit(poisson_1d, strategy='auto', seed=0)" in Page(healthy).text
    assert _command({"problem": "mine", "seed": 3, "points": {"pde": 5}}) == (
        "pinnkit.fit(mine, seed=3, points={'pde': 5})"
    )


def test_unresolvable_eigenvalues_are_counted_and_not_listed(healthy):
    record = make_run().history.diagnostics[-1]
    text = Page(healthy).text
    assert f"{record.modes - record.numerical_rank} unresolvable ones" in text
    assert f"< {2 * record.noise_floor:#.3g}" in text
    assert f"{record.eigenvalues[-1]:#.3g}" not in text
    assert "> 5.00e+19" in text


def test_modes_of_the_final_kernel_are_drawn_and_described(healthy):
    assert Page(healthy).text.count("31: about 30 half-waves in x on pde") == 1
    assert "mode 31, on pde" in healthy and "mode 5, on pde" not in healthy


def test_the_problem_is_stated_before_the_figures(healthy):
    """Equations with subscripts, where they hold, coefficients, reference, date and host."""
    stated = healthy[: healthy.index("<svg")]
    for part in (
        "u<sub>xx</sub> + π² sin(π x) = 0",
        "on −1 &lt; x &lt; 1",
        "nu = 0.01",
        "exact(x)",
        "2026-01-31 12:30:00 UTC",
    ):
        assert part.replace("&lt;", "<") in stated or part in stated
    assert "workstation" in stated


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "tone", "state"),
    [
        ({}, "good", "solved"),
        ({"relative_l2": {"u": 0.02}}, "fair", "solved roughly"),
        ({"relative_l2": {"u": 0.4}}, "bad", "not solved"),
    ],
)
def test_the_verdict_has_a_badge_and_a_colour(changes, tone, state):
    page = Report(make_run(**changes)).html()
    assert f'<b class="badge {tone}">{state}</b> The ' in page


def test_sentences_have_code_in_place_of_backticks_and_settings_neither_brackets_nor_sixteen_digits():
    history = make_history()
    history.decisions.append(Note("raise `budget` or <b>"))
    config = {"strategy": "auto", "nu": 0.1 + 0.2, "continuation": {"Re": [100.0, 400.0]}, "resumed": []}
    page = Report(make_run(history=history, config=config)).html()
    assert "raise <code>budget</code> or &lt;b&gt;" in page
    text = Page(page).text
    assert "`" not in text and "0.30000000000000004" not in text and "[100.0" not in text
    assert "0.3" in text and "100, 400" in text


def test_no_figure_is_empty_or_one_constant():
    history = make_history(steps=2)
    history.weights.update({name: np.ones(2) for name in history.conditions})
    history.learning_rate[:] = 1e-3
    history.checks.clear()
    assert list(training_pictures(make_run(history=history))) == []
    assert "There is no course to draw" in Report(make_run(history=history)).html()


def test_time_windows_have_a_panel_of_their_own():
    history = make_history()
    history.phases[:] = [Stage("sines", 0, 0.0, 0), Stage("time windows", 200, 1.0, 0), Stage("sines", 600, 2.0, 0)]
    captions = [picture.caption for picture in training_pictures(make_run(history=history))]
    assert "Loss of the time windows; each begins anew." in captions
    inside = figures.in_windows(history)
    assert inside.sum() == 400 and inside[200] and not inside[600]
    (ax,) = figures.plot_windows(history).axes
    assert ax.get_xlim()[0] > 190 and ax.get_xlim()[1] < 610
    drawn = figures.only(history, ~inside)
    assert np.isnan(drawn.loss[inside]).all() and np.isfinite(drawn.loss[~inside]).all()


def test_runs_without_reference_steps_or_pictures_have_a_page():
    run = make_run(
        history=make_history(steps=0),
        snapshot=make_grid_fields(("x", "y", "z", "w"), reference=False),
        relative_l2=None,
        max_error=None,
    )
    text = Page(Report(run).html()).text
    assert "Fields over 4 coordinates (x, y, z, w) are not drawn without a reference" in text
    assert "No steps were recorded" in text
    assert "The problem has no reference" in text


@pytest.mark.slow
def test_a_long_run_makes_a_small_page():
    rng = np.random.default_rng(0)
    steps = 30_000
    history = make_history(tuple("abcdef"), steps=steps)
    history.losses.update({name: rng.uniform(size=steps) for name in "abcdef"})
    snapshot = make_grid_fields(("x", "t"), (("u", 1), ("v", 2)))
    assert len(Report(make_run(history=history, snapshot=snapshot)).html()) < 1.5e6


def test_json_is_the_summary_with_verdict_findings_and_predictions():
    run = make_run(relative_l2={"u": 0.4}, loss=1e-6, validation_loss=1e-3)
    said = msgspec.json.decode(Report(run).json())
    assert said.pop("verdict").startswith("Not solved")
    assert [finding["title"] for finding in said.pop("findings")] == [f.title for f in Report(run).findings]
    (prediction,) = said.pop("predictions")
    assert set(prediction) == {"start", "end", "before", "predicted", "observed"} and prediction["end"] == 500
    assert msgspec.convert(said, Summary) == run.summary


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(healthy):
    (frame,) = [value for name, value in Page(Report(make_run())._repr_html_()).attributes if name == "srcdoc"]
    assert frame == healthy


def test_saving_replaces_the_page_atomically(tmp_path):
    path = Report(make_run()).save(tmp_path / "run")
    assert path == tmp_path / "run" / "report.html"
    assert write_page("new", path).read_text() == "new"
    assert os.listdir(tmp_path / "run") == ["report.html"]


def test_a_page_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot write to"):
        write_page("page", tmp_path / "file" / "report.html")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunFolderError, match="cannot write to"):
        write_page("page", tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@pytest.mark.slow
def test_the_race_stands_in_the_page_with_what_was_predicted_of_it():
    history = make_history()
    history.decisions += [
        Attempt("width 500", 1.0, 2.0, 0.3, 0.2),
        Attempt("time windows", 3.0, 20.0, 0.2, None, 10.0, 1e-12),
        Attempt("<b>deep</b>", 23.0, 5.0, 0.2, 1e-6, 10.0, 1e-8),
    ]
    run = make_run(history=history)
    assert [row[0] for row in race_table(run).rows] == ["width 500", "time windows", "<b>deep</b>"]
    assert race_table(run).rows[1][-1] == "failed"
    assert (
        race_score(run) == "Predicted seconds were off by a factor of 2 (median), predicted losses by 2 powers of ten."
    )
    page = Report(run).html()
    assert "Race for the time" in page and race_score(run) in page and "<b>deep" not in page
    assert race_score(make_run()) == "" and "Race for the time" not in Report(make_run()).html()
