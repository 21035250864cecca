"""Ctrl-C at a prompt ends a fit, which returns what it has; elsewhere it is an exception."""

import signal
import sys

import numpy as np
import pytest

from pinnkit import Callback, StopReason, fit

from ..problems_for_tests import poisson

SMALL = {"strategy": "adam", "points": 8, "width": 4, "depth": 1, "seed": 1}


class Presses(Callback):
    """Somebody presses Ctrl-C, some times, when a step is reached."""

    def __init__(self, step, times=1):
        self._step, self._times = step, times

    def progress(self, event):
        if event.step >= self._step:
            for _ in range(self._times):
                signal.raise_signal(signal.SIGINT)
            self._times = 0


@pytest.fixture
def prompt(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)


def test_at_a_prompt_the_fit_returns_what_it_has(prompt, capsys):
    solution = fit(poisson(), steps=1000, callbacks=[Presses(200)], **SMALL)
    assert solution.summary.stop_reason is StopReason.INTERRUPTED
    assert 200 <= solution.summary.steps < 400 and solution.summary.ending == "interrupted"
    assert np.isfinite(solution(x=0.5))
    assert "press Ctrl-C again" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_automatic_procedure_returns_what_it_has(prompt):
    solution = fit(poisson(), callbacks=[Presses(0)])
    assert solution.summary.stop_reason is StopReason.INTERRUPTED
    assert np.isfinite(solution(x=0.5))


def test_twice_is_an_exception(prompt):
    with pytest.raises(KeyboardInterrupt):
        fit(poisson(), steps=1000, callbacks=[Presses(200, times=2)], **SMALL)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_a_script_once_is_an_exception():
    with pytest.raises(KeyboardInterrupt):
        fit(poisson(), steps=1000, callbacks=[Presses(200)], **SMALL)


def test_an_interrupted_fit_resumes_as_if_nothing_had_happened(prompt, tmp_path):
    whole = fit(poisson(), steps=600, **SMALL)
    part = fit(poisson(), steps=600, callbacks=[Presses(300)], checkpoints=tmp_path, **SMALL)
    assert 300 <= part.summary.steps < 500
    rest = fit(poisson(), steps=600, resume=tmp_path, **SMALL)
    assert rest.summary.steps == 600 and 0 < rest.run.config["resumed"][0] < part.summary.steps
    np.testing.assert_array_equal(rest(x=np.linspace(0, 1, 7)), whole(x=np.linspace(0, 1, 7)))
