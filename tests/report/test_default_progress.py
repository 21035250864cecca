"""What `fit` shows of itself when nobody set anything up."""

import dataclasses
import io
import logging
import re
import sys
import types

import pytest
from rich.console import Console

from pinnkit import Covered, InputTypeError, fit
from pinnkit.report import ConsoleProgress, default_progress
from pinnkit.report.default_progress import LogProgress, NotebookLine, TerminalLine
from pinnkit.report.progress_line import ProgressLine, time_left

from ..problems_for_tests import poisson
from .synthetic import make_run
from .test_console import START, event

SMALL = {"strategy": "adam", "points": 8, "width": 4, "depth": 1}


def terminal_in_place_of_standard_error(monkeypatch):
    out = io.StringIO()
    out.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    return out


def test_a_line_has_the_most_important_figures_first():
    line = ProgressLine()
    line.start(START)
    assert re.fullmatch(r"burgers · compiling … \d s", line.text)
    line.progress(dataclasses.replace(event("time windows", 4), covered=Covered("t", 0.0, 0.37, 1.0)))
    assert line.text == (
        "burgers · 40 % · time marching, t = 0 to 0.37 of 1 · validation loss 1.50 · error u 0.100 · 4 steps · "
        "1 s, 1 s left"
    )


def test_time_left_comes_from_limits_or_from_the_share_that_is_over():
    unlimited = dataclasses.replace(START, steps=None)
    assert time_left(unlimited, dataclasses.replace(event("p", 2), seconds=30.0)) == "2 min"
    assert time_left(unlimited, dataclasses.replace(event("p", 2), fraction=None)) == ""
    assert time_left(dataclasses.replace(unlimited, budget=11.0), event("p", 2)) == "10 s"
    assert time_left(START, event("p", 2)) == "1 s"  # eight steps at ten a second
    both = dataclasses.replace(START, steps=104, budget=4.0)
    assert time_left(both, event("p", 4)) == "3 s"
    assert time_left(dataclasses.replace(unlimited, budget=7201.0), event("p", 4)) == "2.0 h"


def test_a_terminal_has_a_line_and_then_the_outcome(monkeypatch):
    terminal = terminal_in_place_of_standard_error(monkeypatch)
    fit(poisson(), steps=30, **SMALL)
    text = terminal.getvalue()
    assert "poisson · " in text
    last = text.rstrip("\n").splitlines()[-1]
    assert re.search(r"poisson: step limit reached, after 30 steps and \d+ s: validation loss .*, error u ", last)


def test_the_line_never_runs_backwards():
    shares, line = [], TerminalLine(Console(file=io.StringIO(), force_terminal=True, width=100))
    with line:
        line.show = lambda: shares.append(line._line.fraction)
        fit(poisson(), steps=40, callbacks=[line], **SMALL)
    known = [share for share in shares if share is not None]
    assert len(known) > 2 and known == sorted(known) and known[-1] <= 1


def test_nothing_is_shown_twice_or_against_the_will(monkeypatch):
    terminal = terminal_in_place_of_standard_error(monkeypatch)
    fit(poisson(), steps=10, progress=False, **SMALL)
    assert terminal.getvalue() == ""
    own = ConsoleProgress(Console(file=io.StringIO(), width=100))
    fit(poisson(), steps=10, callbacks=[own], **SMALL)
    assert terminal.getvalue() == ""


def test_elsewhere_there_are_log_messages(caplog):
    with caplog.at_level(logging.INFO, logger="pinnkit"):
        fit(poisson(), steps=30, **SMALL)
    messages = [record.getMessage() for record in caplog.records if record.name == "pinnkit"]
    assert messages[0].startswith("poisson: strategy adam, ")
    assert "adam · validation loss" in messages[1]
    assert messages[-1].startswith("poisson: step limit reached, after 30 steps")
    assert len(messages) < 6


def test_notebooks_have_one_output_that_changes(monkeypatch):
    shown, updates = [], []
    handle = types.SimpleNamespace(update=lambda page: updates.append(page.data))
    monkeypatch.setattr("IPython.display.display", lambda page, display_id: shown.append(page.data) or handle)
    with NotebookLine() as line:
        line.start(START)
        line.progress(event("<adam>", 3))  # too soon
        line._shown_at = -1.0
        line.progress(event("<adam>", 4))
        line.end(make_run().summary)
    assert len(shown) == 1 and "burgers · compiling" in shown[0]
    assert len(updates) == 2 and "&lt;adam&gt;" in updates[0] and make_run().summary.problem in updates[1]


@pytest.mark.parametrize(("is_kernel", "kind"), [(True, NotebookLine), (False, LogProgress)])
def test_a_notebook_is_told_from_other_shells(monkeypatch, is_kernel, kind):
    shell = types.SimpleNamespace(kernel=object() if is_kernel else None)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert type(default_progress.default_progress(None, ())) is kind


def test_progress_is_true_false_or_none():
    with pytest.raises(ValueError, match="`progress` is True or False, got 'yes'"):
        fit(poisson(), steps=1, progress="yes")
    with pytest.raises(InputTypeError, match="`callbacks` is a list"):
        fit(poisson(), steps=1, callbacks=5)
