"""The report on the console, and progress."""

import io

import msgspec
import pytest
from rich.console import Console

from pinnkit._base.numbers import condition_number, number, of, percent, size
from pinnkit.report import ConsoleProgress, Report
from pinnkit.report.console import WIDTH, make_console, print_diagnostics, print_report
from pinnkit.runs.callbacks import Progress, Start

from .synthetic import make_check, make_record, make_run


def printed(run, capsys, full=True):
    Report(run)(full=full)
    return capsys.readouterr().out


def test_the_report_fits_on_a_screen_and_has_no_colours_in_a_file(capsys):
    lines = printed(make_run(), capsys).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= 47
    assert not any("\x1b" in line for line in lines)


def test_the_outcome_comes_first_on_half_a_screen(capsys):
    run = make_run()
    lines = printed(run, capsys, full=False).splitlines()
    assert len(lines) <= 24
    assert lines[2].startswith(Report(run).verdict[:40])
    titles = [finding.title for finding in Report(run).findings]
    places = [next(i for i, line in enumerate(lines) if title[:30] in line) for title in titles]
    errors = next(i for i, line in enumerate(lines) if "rel. to spread" in line)
    assert places == sorted(places) and all(place < errors for place in places)
    assert lines[-1].startswith("Kernel: λ_max ") and "modes resolvable" in lines[-1]


def test_names_are_never_folded():
    out, name = io.StringIO(), "a_rather_long_name_of_a_condition"
    print_report(make_run(names=(name,)), Console(file=out, width=60, markup=False), full=True)
    assert out.getvalue().count(name) >= 2


def test_tables_of_a_problem_in_two_dimensions_fit_a_terminal_of_80_columns():
    at = {"x": 0.123456, "t": -0.98765}
    checks = {
        "pde": make_check(2e-4, 0.5),
        "displacement": make_check(0.25, hard=True, holds=False),
        "initial_velocity": make_check(1e-12),
    }
    placed = {
        name: msgspec.structs.replace(check, rows=tuple(msgspec.structs.replace(row, at=at) for row in check.rows))
        for name, check in checks.items()
    }
    out = io.StringIO()
    print_report(make_run(names=tuple(checks), conditions=placed), Console(file=out, width=80, markup=False), full=True)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if "0.123, -0.988" in line] == [
        *("pde", "pde", "displacement", "initial_velocity")
    ]
    assert sum("residual: initial" in line for line in lines) == 1


def test_the_report_says_what_was_found(capsys):
    text = printed(make_run(), capsys)
    for figure in (
        "poisson_1d",
        "3.21e-07",
        "no further improvement",
        "nu",
        "44 of 64",
        "> 5.00e+19",
        "12.30 s",
        "median error of 5 %",
    ):
        assert figure in text


def test_markup_in_names_is_text(capsys):
    text = printed(make_run(names=("[red]pde[/red]", ":smile:")), capsys)
    assert "[red]pde[/red]" in text
    assert ":smile:" in text


def test_unresolvable_eigenvalues_are_not_printed(capsys):
    record = make_record()
    print_diagnostics(record)
    text = capsys.readouterr().out
    assert f"{record.eigenvalues[0]:,.0f}" in text
    assert f"{record.eigenvalues[-1]:#.3g}" not in text
    assert any(line.split()[:4] == ["24", "unresolvable", "<", "2.00e-17"] for line in text.splitlines())


def test_leading_modes_are_printed_with_their_variation(capsys):
    print_diagnostics(make_record())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    (second, twelfth) = (next(line for line in lines if line.split()[:1] == [mode]) for mode in ("2", "12"))
    assert "about 1 half-wave in x on pde" in second
    assert "about 11 half-waves in x on pde" in twelfth
    assert any("alignment with K₀" in line and "0.900" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.0, "0"), (7, "7"), (12345, "12,345"), (1234.6, "1,235"), (1.0, "1.00")]
    + [(123.4, "123"), (1e-12, "1.00e-12"), (float("inf"), "inf"), (-0.5, "-0.500")],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.5, "50 %"), (0.01, "1 %"), (0.0123, "1.2 %"), (0.385, "38 %"), (0.999, "100 %"), (1e-5, "0.001 %")]
    + [(0.0, "0 %"), (12.3, "1,230 %"), (float("nan"), "–"), (float("inf"), "inf %")],
)
def test_percentages_have_no_digits_without_information(share, text):
    assert percent(share) == text


def test_ratios_are_phrases():
    assert of(0.385, "that") == "38 % of that"
    assert of(1.5e-13, "that") == "1.50e-13 times that"
    assert of(2.0, "that") == "2.00 times that"


def test_other_figures():
    assert condition_number(None, True) == "–"
    assert condition_number(4.5e13, True) == "> 4.50e+13"
    assert condition_number(4.5e13, False) == "4.50e+13"
    assert size(3 * 2**20) == "3 MiB"
    assert size(3 * 2**30) == "3.00 GiB"


START = Start("burgers", "auto", ("ntk-adam", "gauss-newton"), 100, {"pde": 8}, "double", 10, None)


def event(phase, step):
    return Progress(
        phase=phase,
        step=step,
        fraction=step / 10,
        seconds=1.0,
        steps_per_second=10.0,
        loss=1.0,
        losses={"[red]": 2.0},
        validation_loss=1.5,
        weights={"[red]": 1.0},
        learning_rate=None,
        relative_l2={"u": 0.1},
    )


def test_a_file_gets_few_plain_lines(monkeypatch):
    out, now = io.StringIO(), [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with ConsoleProgress(Console(file=out, markup=False)) as progress:
        progress.start(START)
        for step in range(1, 6):
            now[0] += 0.9
            progress.progress(event("ntk-adam", step))
        progress.diagnostics(make_record(5))
        progress.diagnostics(make_record(5))
        progress.progress(event("gauss-newton", 6))
        progress.end(make_run().summary)
    text = out.getvalue()
    lines = text.splitlines()
    assert "\r" not in text and "\x1b" not in text
    assert [line.split()[1] for line in lines if line.startswith("step") and "loss" in line] == ["1", "4", "6"]
    assert [line for line in lines if line.startswith("phase")] == ["phase ntk-adam", "phase gauss-newton"]
    assert sum("kernel" in line for line in lines) == 1
    assert "[red] 2.00" in text


def test_a_terminal_gets_a_display_that_goes_away():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, markup=False, width=100)
    with pytest.raises(KeyboardInterrupt), ConsoleProgress(console) as progress:
        progress.start(START)
        progress.progress(event("ntk-adam", 3))
        progress.diagnostics(make_record(3))
        progress._live.refresh()
        raise KeyboardInterrupt
    assert "40 of 64 modes resolvable" in out.getvalue()
    assert progress._live is None
    assert out.getvalue().rstrip("\n").endswith("\x1b[2K")


def test_a_console_is_as_wide_as_a_report():
    assert make_console().width == WIDTH
