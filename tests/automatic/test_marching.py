"""Time windows: where they are possible, that they hand on what they should, and that they solve."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Condition, Interval, Problem, Unknown
from pinnkit._base.clock import Clock
from pinnkit.automatic.time_marching.controller import Controller
from pinnkit.automatic.time_marching.initial_slice import Wanted, find_initial_slice
from pinnkit.automatic.time_marching.marching import find_marching, piecewise
from pinnkit.automatic.time_marching.settings import WindowSettings
from pinnkit.automatic.time_marching.windows import Windows, joined
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.geometry.points import Points
from pinnkit.networks.functional import FunctionalModel
from pinnkit.networks.stretching import Bump
from pinnkit.runs.decisions import (
    AbandonedWindows,
    Attempt,
    EasedWindows,
    GivenBandwidth,
    SkippedWindows,
    SolvedWindows,
)
from pinnkit.runs.limits import Limits
from pinnkit.runs.recorder import Recorder
from pinnkit.runs.stop_reason import StopReason

rod = Box(x=(0.0, 1.0), t=(0.0, 2.0))
inside = Condition(lambda u: u.tt - u.xx, on=rod.interior)
walls = Condition(lambda u: u, on=rod.boundary("x"))
value = Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=rod.start())
velocity = Condition(lambda u: u.t, on=rod.start())


def marching_of(**conditions):
    with jax.enable_x64(True):
        return find_marching(find_ansatz(Problem("p", rod, conditions)))


def test_marching_needs_every_initial_value_and_nothing_at_the_end():
    found = marching_of(pde=inside, walls=walls, value=value, velocity=velocity)
    assert found is not None and found.axis == 1
    assert [(face_value.output, face_value.order) for face_value in found.face_values] == [(0, 0), (0, 1)]
    assert list(found.problem.conditions) == ["pde"]
    assert marching_of(pde=inside, walls=walls, value=value) is None
    end = Condition(lambda u: u, on=rod.end())
    assert marching_of(pde=inside, walls=walls, value=value, velocity=velocity, end=end) is None
    square = Box(x=(0.0, 1.0), y=(0.0, 1.0))
    still = Problem("p", square, {"pde": Condition(lambda u: u.xx + u.yy, on=square.interior)})
    with jax.enable_x64(True):
        assert find_marching(find_ansatz(still)) is None


def test_a_coefficient_that_is_looked_for_is_one_for_all_times():
    cooling = {
        "pde": Condition(lambda u, k: u.t - k * u.xx, on=rod.interior),
        "value": value,
        "walls": walls,
        "seen": Condition(lambda u, x, t: u - jnp.exp(-t) * jnp.sin(jnp.pi * x), on=rod.interior),
    }
    for k, is_marched in ((0.1, True), (Unknown(0.2), False)):
        with jax.enable_x64(True):
            ansatz = find_ansatz(Problem("cooling", rod, cooling, coefficients={"k": k}))
        assert (find_marching(ansatz) is not None) == is_marched


def test_points_are_squeezed_into_the_window():
    marching = marching_of(pde=inside, walls=walls, value=value, velocity=velocity)
    assert marching is not None
    with jax.enable_x64(True):
        batch = {"pde": Points(jnp.array([[0.2, 0.0], [0.4, 1.0], [0.6, 2.0]]), None, {})}
        moved = marching.move(batch, (0.5, 0.75), marching.ansatz.stretching())["pde"].coordinates
    np.testing.assert_allclose(moved, [[0.2, 0.5], [0.4, 0.625], [0.6, 0.75]])


def test_points_gather_where_coordinates_are_stretched():
    marching = marching_of(pde=inside, walls=walls, value=value, velocity=velocity)
    assert marching is not None
    with jax.enable_x64(True):
        x = jnp.column_stack([jnp.linspace(0, 1, 101), jnp.full(101, 2.0)])
        stretching = marching.ansatz.stretching([Bump(0, 0.0, 0.01)])  # in the middle, of half width 0.005
        moved = np.asarray(marching.move({"pde": Points(x, None, {})}, (0.0, 1.0), stretching)["pde"].coordinates)
    assert np.all(np.diff(moved[:, 0]) > 0) and moved[0, 0] == 0 and moved[-1, 0] == 1
    assert np.sum(np.abs(moved[:, 0] - 0.5) < 0.005) > 25


def test_a_window_starts_where_the_last_one_ended():
    """Value and velocity at the seam of two windows agree, whatever the networks are."""
    marching = marching_of(pde=inside, walls=walls, value=value, velocity=velocity)
    assert marching is not None
    with jax.enable_x64(True):
        model = marching.model(24, (20.0, 2.0), 0)
        rng = np.random.default_rng(0)
        start = find_initial_slice(
            marching, lambda x: np.asarray(jax.vmap(marching.declared)(x)), 0.0, Wanted([300], 1.0), 0
        )
        assert start.error < 1e-9
        random = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), model.params["features"])
        first = {
            "features": random,
            "start": start.params,
            "stretching": start.stretching,
            "window": jnp.array([0.0, 0.5]),
        }
        at_end = jax.jit(jax.vmap(lambda x: marching.at_end(model, first, x)))
        values = lambda x: np.asarray(at_end(jnp.asarray(x)))
        handed_on = find_initial_slice(marching, values, 0.5, Wanted([900], 1.0), 0)
        given = {"start": handed_on.params, "stretching": handed_on.stretching, "window": jnp.array([0.5, 2.0])}
        second = {"features": random, **given}
        x = jnp.array([0.3, 0.5])
        rate = jax.jit(lambda params: jax.jvp(lambda x: model.apply(params, x), (x,), (jnp.array([0.0, 1.0]),)))
        for before, after in zip(rate(first), rate(second), strict=True):
            np.testing.assert_allclose(after, before, rtol=1e-7 + 100 * handed_on.error)


@pytest.mark.parametrize("top", [0.0, 1.0])
def test_walls_hold_whatever_a_start_says(top):
    """What walls prescribe, moving or zero, of the field and its rate, is exact where the start is only close."""
    moving = Condition(lambda u, x, t: u - top * x * jnp.sin(t), on=rod.boundary("x")) if top else walls
    rest = Condition(lambda u: u, on=rod.start())
    rate = Condition(lambda u, x: u.t - top * x, on=rod.start())
    marching = marching_of(pde=inside, walls=moving, value=rest, velocity=rate)
    assert marching is not None and "walls" not in marching.problem.conditions
    with jax.enable_x64(True):
        model, rng = marching.model(24, (20.0, 2.0), 0), np.random.default_rng(0)
        params = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), model.params)
        params = {**params, "window": jnp.array([0.5, 1.25]), "stretching": marching.ansatz.stretching()}
        field = jax.jit(lambda x: model.apply(params, x)[0])
        for x in jnp.array([[0.0, 0.5], [1.0, 0.5], [0.0, 0.9], [1.0, 1.25]]):
            np.testing.assert_allclose(field(x), top * x[0] * np.sin(x[1]), atol=1e-12)
            np.testing.assert_allclose(jax.grad(field)(x)[1], top * x[0] * np.cos(x[1]), atol=1e-11)


def test_a_point_takes_the_parameters_of_its_window():
    model = FunctionalModel(jnp.zeros(1), lambda params, x: params + 0 * x, lambda params: params)
    with jax.enable_x64(True):
        whole = piecewise(model, 0, [0.0, 1.0, 3.0], [jnp.array([5.0]), jnp.array([7.0])])
        at = lambda t: float(whole.apply(whole.params, jnp.array([t]))[0])
        assert [at(0.0), at(0.99), at(1.0), at(3.0)] == [5.0, 5.0, 7.0, 7.0]


@pytest.fixture(scope="module")
def windowed():
    """Logistic growth, which is not linear, so early times come before late ones."""
    time = Interval(t=(0.0, 2.0))
    growth = Problem(
        "growth",
        time,
        {
            "ode": Condition(lambda u: u.t - 5 * u * (1 - u), on=time.interior),
            "start": Condition(lambda u: u - 0.01, on=time.start()),
        },
        reference=lambda t: 0.01 * np.exp(5 * t) / (0.99 + 0.01 * np.exp(5 * t)),
    )
    return growth, pinnkit.fit(growth)


def test_windows_solve_and_say_so(windowed):
    _, solution = windowed
    assert len(solution.run.config["windows"]) > 3
    assert solution.summary.relative_l2["u"] < 1e-9
    assert any(isinstance(decision, SolvedWindows) for decision in solution.history.decisions)
    assert solution.summary.hard["start"] < 1e-25


def test_windows_can_be_switched_off(windowed):
    growth, _ = windowed
    solution = pinnkit.fit(growth, steps=5, choices=pinnkit.Choices(time_windows=False, bandwidth=6.0))
    assert "windows" not in solution.run.config
    assert GivenBandwidth(6.0) in solution.history.decisions
    attempts = [decision for decision in solution.history.decisions if isinstance(decision, Attempt)]
    assert attempts and not any(attempt.candidate == "time windows" for attempt in attempts)
    with pytest.raises(ValueError, match="applies to the automatic procedure only"):
        pinnkit.fit(growth, strategy="adam", choices=pinnkit.Choices(time_windows=False))
    with pytest.raises(ValueError, match="`bandwidth` is a finite number > 0"):
        pinnkit.Choices(bandwidth=-1.0)


def windows_of(problem, limits=None, **settings):
    """Windows of a problem with these settings, and the recorder of their run."""
    marching = find_marching(find_ansatz(problem))
    assert marching is not None
    recorder = Recorder(problem.conditions, ("x", "t"), limits or Limits(None, None, None, Clock(0.0)), ())
    return Windows(marching, 0, recorder, WindowSettings(**settings)), recorder


def test_windows_that_resolve_nothing_are_abandoned():
    time = Interval(t=(0.0, 1.0))
    shaken = Problem(
        "shaken",
        time,
        {
            "ode": Condition(lambda u, t: u.t + u**2 - 1e3 * jnp.sin(1e4 * t), on=time.interior),
            "start": Condition(lambda u: u - 1, on=time.start()),
        },
    )
    with jax.enable_x64(True):
        windows, recorder = windows_of(shaken, unknowns=(30,), controller=Controller(shortest=1 / 8))
        assert windows.run() is None
    assert isinstance(recorder.history.decisions[-1], AbandonedWindows)


@pytest.mark.slow
def test_an_initial_layer_is_resolved_over_nine_orders_of_magnitude():
    """u = 1 / (1 + 10⁹ t): lengths grow with the time since the layer."""
    rate, time = 1e9, Interval(t=(0.0, 1.0))
    reaction = Problem(
        "reaction",
        time,
        {
            "ode": Condition(lambda u, t: u.t + rate * u**2, on=time.interior),
            "start": Condition(lambda u: u - 1, on=time.start()),
        },
    )
    with jax.enable_x64(True):
        marching = find_marching(find_ansatz(reaction))
        recorder = Recorder(reaction.conditions, ("t",), Limits(None, None, None, Clock(0.0)), ())
        found = Windows(marching, 0, recorder).run()
        assert found[0].span[1] < 10 / rate and found[-1].span[1] - found[-1].span[0] > 0.1
        solution, moments = joined(marching, found), np.concatenate([[0.0], np.geomspace(1 / rate, 1.0, 60)])
        values = jax.vmap(solution.apply, (None, 0))(solution.params, jnp.asarray(moments)[:, None])[:, 0]
    np.testing.assert_allclose(values, 1 / (1 + rate * moments), rtol=1e-6)


class TickingLimits(Limits):
    """Limits whose clock ticks whenever it is read."""

    def __init__(self, budget):
        super().__init__(None, budget, None, Clock(0.0))
        self._ticks = itertools.count(0.0, 1.0)

    def seconds(self):
        return next(self._ticks)


@pytest.mark.slow
def test_a_short_budget_eases_the_tolerance_of_windows(windowed):
    growth, _ = windowed
    with jax.enable_x64(True):
        for budget in (None, 40.0):
            windows, recorder = windows_of(growth, TickingLimits(budget))
            windows.run()
            eased = [decision for decision in recorder.history.decisions if isinstance(decision, EasedWindows)]
            assert bool(eased) == (budget is not None), (budget, recorder.history.decisions)


def test_windows_that_come_to_nothing_leave_time_for_what_is_tried_next(windowed):
    growth, _ = windowed
    with jax.enable_x64(True):
        windows, recorder = windows_of(growth, TickingLimits(60.0), foreseeable=1.0)
        found = windows.run()
        assert found is not None and found[-1].span[1] == 2.0  # the rest is one window
        last = recorder.history.decisions[-1]
        assert isinstance(last, SkippedWindows) and last.done >= 1 and 0 < last.time < 2
        assert recorder.limits.seconds_left > 0.25 * 60.0


def test_a_window_that_shortening_does_not_help_keeps_its_length():
    """Space is not resolved by so few features, in windows of any length."""
    moving = Problem(
        "moving",
        rod,
        {
            "pde": Condition(lambda u, x: u.t + u**2 - jnp.sin(60 * x), on=rod.interior),
            "start": Condition(lambda u, x: u - jnp.cos(x), on=rod.start()),
        },
    )
    with jax.enable_x64(True):
        windows, recorder = windows_of(moving, unknowns=(40,), controller=Controller(shortest=1 / 64))
        assert windows.run() is None
    last = recorder.history.decisions[-1]
    assert isinstance(last, AbandonedWindows) and last.time == 0.125  # a sixteenth of the time


@pytest.mark.slow
def test_windows_are_no_more_exact_than_a_target_asks(windowed):
    growth, exact = windowed
    solution = pinnkit.fit(growth, target=1e-6)
    assert solution.summary.stop_reason is StopReason.TARGET and solution.summary.validation_loss <= 1e-6
    assert solution.summary.steps < exact.summary.steps


def test_windows_survive_their_folder(windowed, tmp_path):
    growth, solution = windowed
    t = np.linspace(0, 2, 9)
    loaded = pinnkit.load(solution.save(tmp_path / "run"), growth)
    np.testing.assert_array_equal(loaded(t=t), solution(t=t))
