"""Names are printed as text in every form of a report, whatever they contain."""

import io

import msgspec
import pytest
from rich.console import Console

from pinnkit._base.numbers import printable
from pinnkit.report import Comparison, ConsoleProgress, Report
from pinnkit.report.live import LiveFile, watch
from pinnkit.runs.callbacks import Start
from pinnkit.runs.decisions import Note
from pinnkit.runs.declaration import Declaration
from pinnkit.runs.history import History
from pinnkit.runs.run_folder import Run
from pinnkit.runs.stop_reason import StopReason

from .hostile import HOSTILE
from .synthetic import make_grid_fields, make_history, make_record, make_run
from .test_console import event
from .test_page import Page


def hostile_run(name):
    """A run with this name for everything that can be named."""
    history = make_history((name, "walls"), fields=(name,))
    history.decisions.append(Note(name))
    return make_run(
        history=history,
        config={"problem": name, "command": f"pinnkit solve {name}", name: {name: name}},
        snapshot=make_grid_fields(("x", "t"), ((name, 1),)),
        problem=name,
        declared=Declaration(
            (name,), name, {name: ((name, name), ("u_xx = 0", name))}, {name: name}, name, {name: name}, {name: name}
        ),
        date=name,
        host=name,
        strategy=name,
        device=name,
        stop_reason=StopReason.NOT_FINITE,
        stop_detail=name,
        relative_l2={name: 0.4},
        max_error={name: 0.5},
        coefficients={name: 1.0},
        coefficient_intervals={name: (0.5, 1.5)},
        loss=1e-6,
        validation_loss=1e-3,
        losses={name: 1e-6, "walls": 1e-6},
        validation_losses={name: 1e-3, "walls": 1e-6},
        weights={name: 1.0, "walls": 1.0},
        points={name: 32, "walls": 8},
    )


def test_there_are_fifty():
    assert len(set(HOSTILE)) == 50


def assert_harmless(html):
    page = Page(html)
    assert not {"script", "img", "iframe", "object", "embed", "link", "form", "base"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    values = [value or "" for name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in values)
    return page


@pytest.fixture
def no_pictures(monkeypatch):
    """Pages without pictures, which take seconds; `test_names_in_pictures_are_text` has those."""
    for room in ("picture", "comparison"):
        monkeypatch.setattr(f"pinnkit.report.{room}.to_svg", lambda figure, name, title="": "<svg></svg>")
    for room, plots in (("figures", "losses errors weights learning_rate spectrum blocks drift predictions decays"),):
        for plot in plots.split():
            monkeypatch.setattr(f"pinnkit.report.{room}.plot_{plot}", lambda data: None)
    for plot in ("plot_solution", "plot_slices", "plot_single"):
        monkeypatch.setattr(f"pinnkit.report.pictures.{plot}", lambda data, what="": None)
    for plot in ("residual", "error_in_time", "histogram", "points", "modes"):
        monkeypatch.setattr(f"pinnkit.report.maps.plot_{plot}", lambda data, condition="", titles=None: None)
    monkeypatch.setattr("pinnkit.report.comparison.plot_solutions", lambda data: None)
    for plot in ("plot_validation_loss", "plot_errors", "plot_spectra"):
        monkeypatch.setattr(f"pinnkit.report.comparison.{plot}", lambda *data: None)


def test_names_in_pictures_are_text():
    run = make_run(
        history=make_history(HOSTILE, fields=HOSTILE[:6]),
        snapshot=make_grid_fields(("x", "t"), tuple((name, 1) for name in HOSTILE[:6])),
    )
    page = assert_harmless(Report(run).html())
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_page_shows_it_as_text(name):
    run = hostile_run(name)
    page = assert_harmless(Report(run).html())
    plain = Page(Report(hostile_run("plain")).html())
    assert sorted(set(page.tags)) == sorted(set(plain.tags))
    wanted = " ".join(printable(name).split())
    assert wanted in " ".join(page.text.split())


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_other_forms_show_it_as_text(name, tmp_path, capsys):
    run = hostile_run(name)
    assert msgspec.json.decode(Report(run).json())["problem"] == name
    assert_harmless(Comparison({name: run, "other": make_run()}).html())
    Report(run)()
    Comparison({name: run, "other": make_run()})()
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x00" not in out and "\x07" not in out
    run.save(tmp_path / "run")
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["SHA256SUMS", "config.toml", "history.npz", "summary.json"]
    again = Run.load(tmp_path / "run")
    assert again.summary == run.summary and again.config == run.config
    assert again.history.conditions == (name.rstrip("\x00"), "walls")
    assert set(again.snapshot.fields) == {name}
    assert isinstance(again.history, History)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_progress_shows_it_as_text(name, tmp_path):
    start = Start(name, name, (name,), 100, {name: 8}, "double", 10, None)
    live = LiveFile(tmp_path)
    live.start(start)
    live.progress(event(name, 3))
    live._written_at = -1e9
    live.diagnostics(make_record(3))
    live.progress(event(name, 4))
    out = io.StringIO()
    display = ConsoleProgress(Console(file=out, markup=False, emoji=False, highlight=False, width=100))
    watch(tmp_path, display, sleep=lambda _: live.close())
    assert "\x1b" not in out.getvalue() and "\x07" not in out.getvalue()
    assert "step 4" in out.getvalue()
