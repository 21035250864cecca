"""Budgets are kept, by a clock on which every piece of work takes as long as the test says."""

import numpy as np
import optax
import pytest

from pinnkit import Callback, Choices, Phase, Strategy, fit
from pinnkit._base import clock, compilation
from pinnkit.automatic.random_features.solver import FeatureSolver, Solve
from pinnkit.diagnostics.diagnostician import Diagnostician
from pinnkit.diagnostics.evaluation import Measure, ReferenceGrid
from pinnkit.runs import recorder as recorder
from pinnkit.runs.stop_reason import StopReason
from pinnkit.training.loop import Trainer

from .problems_for_tests import decay_rate, poisson

QUICK = {"width": 4, "depth": 1, "points": 16, "constraints": "soft"}


class Time:
    """Stands still but for `passes`."""

    def __init__(self):
        self.now = self.compiled = 0.0

    def __call__(self):
        return self.now

    def passes(self, seconds, compiling=False):
        self.now += seconds
        self.compiled += seconds if compiling else 0.0


class Machine:
    """How long things take on it."""

    def __init__(self, monkeypatch):
        self.time = Time()
        self.compile, self.step, self.look, self.check, self.reference = 2.0, 0.1, 0.5, 0.05, 0.0
        monkeypatch.setattr(clock, "now", self.time)
        monkeypatch.setattr(compilation, "now", self.time)
        for module in (compilation, recorder):
            monkeypatch.setattr(module, "compile_seconds", lambda: self.time.compiled)
        self._slow(monkeypatch, Diagnostician, "__call__", lambda *_: self._look())
        self._slow(monkeypatch, Measure, "validation_losses", lambda *_: self.time.passes(self.check))
        self._slow(monkeypatch, ReferenceGrid, "of", lambda *_: self.time.passes(self.reference), static=True)
        compiled = Trainer._compile

        def compile_(trainer, phase, state):
            with trainer._recorder.compiling():
                self.time.passes(self.compile, compiling=True)
            stretch, program = compiled(trainer, phase, state)

            def slowly(state, count, *progress):
                self.time.passes(count * self.step)
                return stretch(state, count, *progress)

            return slowly, program

        monkeypatch.setattr(Trainer, "_compile", compile_)
        self._looked = False

    def _look(self):
        if not self._looked:
            self.time.passes(self.compile / 2, compiling=True)
        self._looked = True
        self.time.passes(self.look)

    def _slow(self, monkeypatch, where, name, passes, static=False):
        original = getattr(where, name)

        def slowly(*arguments, **options):
            passes(*arguments)
            return original(*arguments, **options)

        monkeypatch.setattr(where, name, staticmethod(slowly) if static else slowly)


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


class Watch(Callback):
    def __init__(self):
        self.events, self.starts = [], []

    def start(self, event):
        self.starts.append(event)

    def progress(self, event):
        self.events.append(event)


@pytest.mark.slow
@pytest.mark.parametrize("budget", [5.0, 20.0, 60.0])
@pytest.mark.parametrize("step", [0.1, 0.7, 4.0])
def test_training_ends_within_its_budget(machine, budget, step):
    """Compilation, the first step and the last look included; steps of 4 s do not begin where 4 s are not left."""
    machine.step = step
    run = fit(poisson(), strategy="adam", budget=budget, **QUICK)
    assert run.summary.stop_reason is StopReason.BUDGET
    assert run.summary.steps >= 1 and machine.time.now <= budget + step
    if step < 1:
        assert machine.time.now <= budget
        assert machine.time.now > 0.7 * budget - step


def test_a_reference_that_takes_ten_seconds_belongs_to_the_budget(machine):
    machine.reference = 10.0
    run = fit(poisson(), strategy="adam", budget=21.0, **QUICK)
    assert machine.time.now <= 21.0 and run.summary.steps > 10
    assert run.summary.seconds.diagnostics >= 10.0


def test_time_for_what_follows_the_fit_is_kept(machine):
    watch = Watch()
    watch.closing_seconds = 8.0
    fit(poisson(), strategy="adam", budget=20.0, callbacks=[watch], **QUICK)
    assert 5.0 < machine.time.now <= 12.0


def test_no_phase_begins_whose_compilation_does_not_fit(machine):
    machine.compile = 6.0
    phases = tuple(Phase(name, optax.adam(1e-3), share=share) for name, share in (("long", 0.7), ("short", 0.3)))
    run = fit(poisson(), strategy=Strategy("two", phases), budget=20.0, **QUICK)
    assert [stage.name for stage in run.history.phases] == ["long"]
    assert run.history.skipped_work[-1].work == "phase short" and run.history.skipped_work[-1].needed == 6.0
    assert run.summary.stop_reason is StopReason.BUDGET and machine.time.now <= 20.0


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(None, None, None), (1.0, 1.0, 1.0), (0.1, None, 0.0)])
def test_phases_end_at_their_shares_of_the_budget(machine, shares):
    machine.compile = 0.5
    phases = tuple(Phase(str(i), optax.adam(1e-3), share=share) for i, share in enumerate(shares))
    run = fit(poisson(), strategy=Strategy("mine", phases), budget=60.0, **QUICK)
    begun = [stage.seconds for stage in run.history.phases]
    assert machine.time.now <= 60.0 and run.summary.stop_reason is StopReason.BUDGET
    if shares[0] == 0.1:
        assert len(begun) == 2 and begun[1] < 10.0
    else:
        assert np.diff(begun) == pytest.approx(20.0, abs=2.0)


def test_three_default_phases_take_the_steps_that_are_asked_for():
    phases = tuple(Phase(name, optax.adam(1e-3)) for name in "abc")
    run = fit(poisson(), strategy=Strategy("three", phases), steps=10, target=1e-9, **QUICK)
    assert run.summary.steps == 10 and run.summary.stop_reason is StopReason.STEPS
    assert [stage.step for stage in run.history.phases] == [0, 3, 7]


def test_phases_whose_share_rounds_to_nothing_are_passed_over():
    phases = tuple(
        Phase(name, optax.adam(1e-3), share=share) for name, share in (("a", 0.01), ("b", 0.98), ("c", 0.01))
    )
    run = fit(poisson(), strategy=Strategy("three", phases), steps=3, **QUICK)
    assert run.summary.steps == 3 and [stage.name for stage in run.history.phases] == ["b"]


@pytest.mark.slow
def test_progress_never_runs_backwards(machine):
    watch = Watch()
    phases = tuple(Phase(name, optax.adam(1e-3), check_every=7) for name in "ab")
    for limits in ({"steps": 150, "budget": 14.0}, {"budget": 30.0}, {}):
        phases = tuple(Phase(name, optax.adam(1e-3), steps=40, check_every=7) for name in "ab")
        watch.events.clear()
        fit(poisson(), strategy=Strategy("two", phases), callbacks=[watch], **limits, **QUICK)
        columns = {name: [getattr(event, name) for event in watch.events] for name in ("step", "seconds", "fraction")}
        for values in columns.values():
            assert values == sorted(values) and len(values) > 3
        assert 0 < columns["fraction"][0] and columns["fraction"][-1] <= 1
        assert all(0 < event.steps_per_second <= 1 / machine.step + 1e-9 for event in watch.events)


@pytest.mark.slow
def test_where_time_went_adds_up(machine):
    for budget in (20.0, 60.0):
        seconds = fit(poisson(), strategy="adam", budget=budget, **QUICK).summary.seconds
        known = seconds.compile + seconds.train + seconds.diagnostics
        assert known == pytest.approx(seconds.total)


# One network of sines after the other, on a machine of any speed.


def sines_on(machine, monkeypatch, speed, left):
    """Solves take time like the cube of their unknowns, and leave what the test says."""

    def solve(
        solver, params, most, moved=None, enough=0.0, is_over=lambda _: False, weights=None, trial=None, origin=None
    ):
        size = solver.layer.size
        if size not in seen:
            machine.time.passes(0.7, compiling=True)
        compiled, lacked = (0.7 if size not in seen else 0.0), 0.0
        seen.add(size)
        one = (size / 500) ** 3 / speed
        for number in range(most):
            if number and is_over(one):
                lacked = one
                break
            machine.time.passes(one)
        names = dict.fromkeys(solver.residuals.conditions, 1.0)
        return Solve(params, [], names, 1.0, left(size), lacked, compiled)

    seen = set[int]()
    monkeypatch.setattr(FeatureSolver, "solve", solve)


MACHINES = [(budget, speed) for budget in (20.0, 60.0, 120.0) for speed in (0.2, 1.0, 10.0, 100.0)]
QUICK_MACHINES = ((20.0, 0.2), (20.0, 1.0), (60.0, 10.0), (120.0, 100.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "speed"),
    [pytest.param(*pair, marks=() if pair in QUICK_MACHINES else pytest.mark.slow) for pair in MACHINES],
)
def test_networks_of_sines_end_within_the_budget(machine, monkeypatch, speed, budget):
    """Whatever the speed, there is a result, and what comes after the solves is reckoned with."""
    machine.step = 5.0
    sines_on(machine, monkeypatch, speed, lambda size: 500 / size * 1e-2)
    run = fit(poisson(), budget=budget, choices=Choices(bandwidth=3.0))
    assert machine.time.now <= 1.1 * budget + 2.0
    assert run.summary.stop_reason is StopReason.BUDGET


@pytest.mark.slow
def test_what_is_announced_is_what_is_used():
    watch = Watch()
    run = fit(poisson(), callbacks=[watch])
    last = watch.starts[-1]
    assert last.parameters == run.summary.parameters and last.points == run.summary.points
    assert last.phases == tuple(stage.name for stage in run.history.phases)
    watch.starts.clear()
    run = fit(decay_rate(), strategy="gauss-newton", steps=2, callbacks=[watch], width=5, depth=1)
    (start,) = watch.starts
    assert start.parameters == run.summary.parameters and start.points == run.summary.points
