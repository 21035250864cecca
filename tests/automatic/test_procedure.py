"""The decision procedure: what it turns to where sines fail, and what it does with little time."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Choices, Condition, Interval, Problem, Unknown, laplacian
from pinnkit._base.clock import Clock
from pinnkit.automatic.candidates import AbstractCandidate, Prediction, Standing
from pinnkit.automatic.cost_model import DEEP_WIDTHS, CostModel
from pinnkit.automatic.loss_model import LossModel
from pinnkit.automatic.procedure import Automatic
from pinnkit.automatic.race import fastest
from pinnkit.automatic.random_features.bandwidth import Choice
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model, residual_bandwidth
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.runs.decisions import Attempt, ChosenInteractions, KeptNetwork
from pinnkit.runs.limits import Limits
from pinnkit.runs.recorder import Recorder
from pinnkit.runs.stop_reason import StopReason
from pinnkit.training.named import STRATEGIES
from pinnkit.training.phase import MOST_ROWS
from tests.problems_for_tests import poisson, stokes

line = Interval(x=(0.0, 1.0))
square = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def boundary_layer(eps):
    """−ε u'' + u' = 1, u = 0 at both ends: a layer of width ε at x = 1."""
    return Problem(
        "layer",
        line,
        {
            "pde": Condition(lambda u: -eps * u.xx + u.x - 1, on=line.interior),
            "ends": Condition(lambda u: u, on=line.boundary("x")),
        },
        reference=lambda x: x - np.exp((x - 1) / eps),
    )


def steep_front():
    """Δu = f with an arctangent of slope 60 across the square (Mitchell, Appl. Math. Comput. 220, 2013)."""
    front = lambda x, y: jnp.arctan(60 * (jnp.hypot(x - 1.25, y + 0.25) - 1))

    def laplacian_of_front(x, y):
        hessian = jax.hessian(lambda z: front(z[0], z[1]))(jnp.stack([x, y]))
        return hessian[0, 0] + hessian[1, 1]

    return Problem(
        "front",
        square,
        {
            "pde": Condition(lambda u, x, y: laplacian(u) - laplacian_of_front(x, y), on=square.interior),
            "walls": Condition(lambda u, x, y: u - front(x, y), on=square.boundary()),
        },
        reference=lambda x, y: np.arctan(60 * (np.hypot(x - 1.25, y + 0.25) - 1)),
    )


class TickingLimits(Limits):
    """Limits whose clock ticks whenever it is read."""

    def __init__(self, budget):
        super().__init__(None, budget, None, Clock(0.0))
        self._ticks = itertools.count(0.0, 1.0)

    def seconds(self):
        return next(self._ticks)


def automatic(problem, budget, cost=None, **choices):
    """The procedure by a clock that ticks whenever it is read."""
    ansatz = find_ansatz(problem)
    recorder = Recorder(ansatz.remaining.conditions, ("x", "t"), TickingLimits(budget), ())
    return Automatic(ansatz, 0, recorder, Choices(bandwidth=1.5, **choices), cost), recorder


def standing(procedure, loss=1e-2):
    """After trials that left this relative loss."""
    procedure._networks.losses[procedure.first.layer.size] = loss
    return Standing(Choice((1.0,), loss, {}))


@pytest.mark.usefixtures("x64")
def test_in_place_of_a_width_that_would_take_too_long_one_for_which_there_is_time_is_tried():
    for budget, is_tried in ((1e2, False), (1e6, True)):
        procedure, recorder = automatic(poisson(), budget, unknowns=(6, 48))
        found = procedure.run()
        skipped = [work for work in recorder.history.skipped_work if work.work == "width 48"]
        assert bool(skipped) != is_tried
        assert found.settings["width"] == 48 if is_tried else 6 < found.settings["width"] < 48


@pytest.mark.slow
def test_where_random_features_fail_a_deep_network_is_trained_and_the_better_kept():
    solution = pinnkit.fit(poisson(), target=1e-7, choices=Choices(bandwidth=96.0, unknowns=(4,)))
    decisions = solution.history.decisions
    assert any(isinstance(decision, Attempt) and decision.candidate == "a deep network" for decision in decisions)
    assert any(isinstance(decision, KeptNetwork) and decision.is_deep for decision in decisions)
    assert solution.summary.stop_reason is StopReason.TARGET and solution.summary.relative_l2["u"] < 1e-3
    assert solution.summary.points["pde"] >= 2 * solution.summary.parameters
    assert solution.run.config["network"] == "MLP"


def test_a_target_ends_the_procedure():
    solution = pinnkit.fit(poisson(), target=1e-3)
    assert solution.summary.stop_reason is StopReason.TARGET and solution.summary.validation_loss <= 1e-3


@pytest.fixture(scope="module")
def decay():
    """u' = −u², which is not linear, and smooth."""
    time = Interval(t=(0.0, 1.0))
    conditions = {
        "ode": Condition(lambda u: u.t + u**2, on=time.interior),
        "start": Condition(lambda u: u - 1, on=time.start()),
    }
    return Problem("decay", time, conditions, reference=lambda t: 1 / (1 + t))


@pytest.fixture(scope="module")
def front():
    """u_t + u u_x = 0 from a smooth start."""
    tube = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
    conditions = {
        "pde": Condition(lambda u: u.t + u * u.x, on=tube.interior),
        "start": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=tube.start()),
        "ends": Condition(lambda u: u, on=tube.boundary("x")),
    }
    return Problem("front", tube, conditions)


def test_one_network_for_all_times_is_enough_where_a_trial_says_so(decay):
    solution = pinnkit.fit(decay)
    assert "windows" not in solution.run.config
    assert solution.summary.relative_l2["u"] < 1e-9
    assert solution.summary.steps > 3  # those of the trial and more


@pytest.mark.usefixtures("x64")
def test_time_for_windows_of_ordinary_equations_is_that_of_one_small_network(decay):
    cost = CostModel()
    procedure, _ = automatic(decay, 100.0, cost)
    cost.add_trial(procedure.first.layer.size, 3.0, 2.0)
    windows = procedure.time_windows()
    assert windows is not None and windows.predict(standing(procedure)).needed == cost.short_windows == 3.0


@pytest.mark.usefixtures("x64")
def test_time_for_windows_is_that_of_several_large_networks(front):
    for seconds, is_tried in ((0.05, True), (10.0, False)):
        cost = CostModel()
        procedure, _ = automatic(front, 100.0, cost)
        for _ in range(2):
            cost.add_trial(procedure.first.layer.size, seconds, 0.0)  # eight windows take 96 times as long each
        windows = procedure.time_windows()
        assert windows is not None
        prediction = windows.predict(standing(procedure))
        assert (prediction.needed <= prediction.left) == is_tried


def test_a_cost_model_predicts_from_what_was_measured():
    cost = CostModel(growth=2.0, trials=4, all_trials=12, window_widths=3, fewest_windows=8, deep=10.0)
    assert cost.wider(2.0, 1.0) == cost.windows(800, 400, 0.4, 1.0) == cost.deep_seconds == 0.0
    for seconds in (3.0, 1.5, 1.0):
        cost.add_trial(100, seconds, compile_seconds=1.9)
    assert (cost.compile_seconds, cost.trial_seconds, cost.deep_seconds) == (2.0, 1.0, 19.0)
    cost.add_solve(100, 5.0, has_trial=True)
    assert cost.search(3.0) == 4 * 9 * 1.0
    solves = {1e-7: 6.0, 0.1: 6.0, 0.9: 12 + 6.0}  # the solve continued a trial of one second
    for loss, seconds in solves.items():
        assert cost.wider(3.0, loss) == 2 * 2.0 + 9 * seconds
        assert cost.widest(cost.wider(3.0, loss), loss) == pytest.approx(3.0)
    assert cost.widest(1.0, 0.1) == 0.0  # not even compiled
    assert cost.windows(200, 100, 0.4, 1e-2) == max(3 * 2.0 + 8 * 4 * 1.0, 6.0 / 0.4)
    assert cost.windows(200, 100, 0.1, 1e-2) == 6.0 / 0.1
    assert cost.windows(200, 100, 0.1, 0.2) == 20 * 0.2 * 6.0 / 0.1
    assert cost.windows(200, 100, 0.1, 0.2, order=3) == pytest.approx(3 * cost.windows(200, 100, 0.1, 0.2))
    assert cost.windows(200, 100, 0.1, 0.2, order=4) == cost.windows(200, 100, 0.1, 0.2)
    assert cost.windows(200, 100, 0.1, 0.2, is_rough=True) == 2.5 * cost.windows(200, 100, 0.1, 0.2)
    cost.add_trial(300, 7.0, 2.5)
    assert cost.trial_seconds == 5.0  # of the last width, less its compilation
    assert cost.unknowns == 100  # of the last solve


def test_wider_networks_are_predicted_from_the_last_solve_also_one_without_a_trial():
    cost = CostModel(growth=2.0)
    cost.add_trial(100, 2.0, 1.0)
    for unknowns in (100, 600):
        cost.add_solve(unknowns, unknowns / 100, has_trial=False)
        assert cost.unknowns == unknowns
    assert cost.wider(2.0, 1e-3) == 2 * cost.compile_seconds + 2.0**2 * 6.0
    narrow = CostModel(growth=2.0, trial_times={100: [2.0, 1.0]}, solve_seconds=1.0, unknowns=100).nominal()
    assert cost.nominal().solve_seconds == pytest.approx(6.0**2 * narrow.solve_seconds)


def test_a_deep_network_is_as_wide_as_its_time_allows():
    cost = CostModel()
    assert cost.deep_width(10.0, usual=20) == 20  # without a trial nothing is known
    for _ in range(2):
        cost.add_trial(500, 0.13, 0.3)
    widths = [cost.deep_width(seconds, usual=20) for seconds in (1, 5, 20, 60, 120, 1000)]
    assert widths == sorted(widths) and set(widths) <= set(DEEP_WIDTHS)
    assert (widths[0], widths[3], widths[-1]) == (DEEP_WIDTHS[0], 20, DEEP_WIDTHS[-1])
    slow = CostModel(trial_times={n: [10 * t for t in times] for n, times in cost.trial_times.items()})
    assert slow.deep_width(120, usual=20) < cost.deep_width(120, usual=20)


def test_nominal_costs_do_not_depend_on_the_machine():
    slow, fast = CostModel(), CostModel()
    for cost, factor in ((slow, 10.0), (fast, 1.0)):
        cost.add_trial(100, 2.0 * factor, 1.0 * factor)
        cost.add_solve(100, 3.0 * factor, has_trial=True)
    for figures in (lambda cost: cost.wider(3.0, 1e-3), lambda cost: cost.windows(300, 100, 0.4, 0.2)):
        assert figures(slow) > 5 * figures(fast)
        assert figures(slow.nominal()) == figures(fast.nominal()) > 0


@pytest.mark.usefixtures("x64")
def test_a_wider_network_follows_the_best_one_network_although_windows_are_better(decay):
    procedure, recorder = automatic(decay, 1e9)
    recorder.phase("output-layer")
    one = procedure._networks.solve(procedure.first, procedure._networks.width, (1.5,))
    windows = dataclasses.replace(
        one, settings={"width": 5, "windows": [0.0, 1.0]}, relative_loss=0.9 * one.relative_loss
    )
    at = standing(procedure)._replace(best=windows)
    wider = procedure._wider_networks()[0].solve(at)
    assert wider is not None and wider.settings["bandwidth"] == [1.5] and not wider.is_windowed


class Runner(AbstractCandidate):
    """A candidate with a given prediction."""

    def __init__(self, name, *prediction, enough=0.0):
        self._name, self._prediction, self._enough = name, Prediction(*prediction), enough

    @property
    def name(self):
        return self._name

    @property
    def enough(self):
        return self._enough

    def predict(self, standing):
        return self._prediction

    def solve(self, standing):
        return None


def test_the_time_goes_to_the_candidate_that_reduces_the_loss_fastest():
    at = Standing(Choice((1.0,), 1e-2, {}))
    slow, quick = Runner("slow", 1e-12, 100.0, 0.0, 1e3), Runner("quick", 1e-5, 10.0, 0.0, 1e3)
    useless, satisfied = Runner("useless", 5e-3, 0.1, 0.0, 1e3), Runner("satisfied", 1e-9, 0.1, 0.0, 1e3, enough=0.1)
    late = Runner("late", 1e-12, 1.0, 50.0, 20.0)
    chosen = lambda *runners: fastest(runners, at, 0.1)
    assert chosen(slow, quick, useless, satisfied)[0].candidate is quick
    entry, passed = chosen(slow, late, quick)
    assert entry.candidate is quick and [each.candidate for each in passed] == [late]
    entry, passed = chosen(late, useless, satisfied)
    assert entry is None and [each.candidate for each in passed] == [late]


def test_digits_of_wider_networks_are_predicted_from_those_before():
    model = LossModel(first_gain=0.1, converging=0.1)
    assert model.wider({100: 1e-2}, 400, 2, is_linear=False) == pytest.approx(1e-4)  # digits as n^(1/2)
    assert model.wider({100: 1e-2}, 400, 4, is_linear=False) == pytest.approx(1e-3)
    assert model.wider({100: 0.5}, 400, 2, is_linear=False) == pytest.approx(0.25)  # does not converge yet
    assert model.wider({100: 0.5}, 400, 2, is_linear=True) == pytest.approx(0.05)
    assert model.wider({100: 1e-2, 200: 1e-4}, 400, 2, is_linear=False) == pytest.approx(
        1e-8
    )  # twice as many each time
    assert model.wider({100: 1e-4, 200: 1e-3}, 400, 2, is_linear=False) == pytest.approx(1e-3)
    assert (
        model.deep(1.0, 10.0) == model.deep_start > model.deep(20.0, 10.0) > model.deep(1e9, 10.0) == model.deep_floor
    )


def test_time_is_set_aside_for_a_deep_network_only_if_it_is_enough_for_one():
    cost = CostModel(deep=10.0, close=1e-4, share_if_close=0.7, share_if_far=0.3)
    cost.add_trial(100, 5.0, compile_seconds=1.0)
    assert cost.time_for_wider(100.0, 1e-3, is_sufficient=False) == 30.0
    assert cost.time_for_wider(100.0, 1e-5, is_sufficient=False) == 70.0
    assert cost.time_for_wider(30.0, 1e-5, is_sufficient=False) == 30.0
    assert cost.time_for_wider(100.0, 1e-9, is_sufficient=True) == 100.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_an_eigenfunction_of_unit_norm_is_found_although_zero_is_stationary(seed):
    """The first mode of a string and its eigenvalue, from a guess of 8."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    nodes, weights = (nodes + 1) / 2, weights / 2
    conditions = {
        "string": Condition(lambda u, E: u.xx + E * u, on=line.interior),
        "ends": Condition(lambda u: u, on=line.boundary("x")),
        "norm": Condition(lambda u: jnp.dot(weights, u(x=nodes).value ** 2) - 1.0, on=line.lower_face("x")),
    }
    mode = Problem(
        "mode",
        line,
        conditions,
        coefficients={"E": Unknown(8.0)},
        reference=lambda x: np.sqrt(2) * np.sin(np.pi * x),
    )
    solution = pinnkit.fit(mode, seed=seed)
    assert solution.summary.relative_l2["u"] < 1e-8
    assert solution.coefficients["E"] == pytest.approx(np.pi**2, rel=1e-8)


@pytest.mark.usefixtures("x64")
def test_only_conditions_that_are_flat_where_they_do_not_hold_are_stuck(decay):
    for problem, stuck in ((decay, ()), (poisson(), ())):
        assert automatic(problem, 100.0)[0].first.stuck == stuck


def sum_of_cosines(products):
    """Δu = −Σ cos x_i in four dimensions, u = Σ cos x_i, plus ab if there are `products`."""
    cube = Box(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0), e=(0.0, 1.0))
    cosines = lambda xp, *x: sum(xp.cos(each) for each in x)
    exact = lambda xp, a, b, c, e: cosines(xp, a, b, c, e) + (a * b if products else 0.0)
    conditions = {
        "pde": Condition(lambda u, a, b, c, e: laplacian(u) + cosines(jnp, a, b, c, e), on=cube.interior),
        "walls": Condition(lambda u, a, b, c, e: u - exact(jnp, a, b, c, e), on=cube.boundary()),
    }
    return Problem("cosines", cube, conditions, reference=lambda a, b, c, e: exact(np, a, b, c, e))


@pytest.mark.slow
@pytest.mark.parametrize(("products", "interactions"), [(False, 1), (True, 2)])
def test_sums_in_many_dimensions_get_sines_of_few_coordinates(products, interactions):
    solution = pinnkit.fit(sum_of_cosines(products), choices=Choices(unknowns=(400,)))
    (chosen,) = [d for d in solution.history.decisions if isinstance(d, ChosenInteractions)]
    assert chosen.interactions == solution.run.config["interactions"] == interactions
    assert chosen.losses[interactions] == min(chosen.losses.values())
    assert solution.summary.relative_l2["u"] < 1e-7


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["linear", "not linear"])
def test_a_solve_goes_on_from_a_trial(decay, name):
    ansatz = find_ansatz(poisson() if name == "linear" else decay)
    solver = FeatureSolver(ansatz.remaining, lambda bandwidth: feature_model(ansatz, 20, bandwidth, 0), 0)
    start = solver.params((1.5,))
    whole, trial = solver.solve(start, 6), solver.solve(start, 2)
    further = solver.solve(start, 6, trial=trial)
    assert (further is trial) == (name == "linear")
    assert len(further.steps) == len(whole.steps) and further.weights == whole.weights
    assert further.initial_loss == whole.initial_loss and further.final_loss <= 10 * whole.final_loss


@pytest.mark.usefixtures("x64")
def test_what_rounding_leaves_of_a_residual_says_nothing_about_frequencies():
    conditions = {
        "slow": Condition(lambda u, x: u.x - jnp.sin(2 * x), on=line.interior),
        "nothing": Condition(lambda u, x: u + 1e-16 * jnp.sin(300 * x), on=line.interior),
    }
    problem = Problem("p", line, conditions)
    ansatz = find_ansatz(problem)
    solver = FeatureSolver(problem, lambda s: feature_model(ansatz, 8, s, 0), 0)
    assert residual_bandwidth(solver, solver.params())[0] < 30


def test_second_order_strategies_ask_for_two_residuals_a_parameter():
    for name in ("auto", "gauss-newton", "ssbroyden", "bfgs", "lbfgs"):
        plan = STRATEGIES[name]()
        counts = plan.counts(stokes(), 3000)
        assert 2 * counts["momentum"] + counts["mass"] >= 6000  # two rows of momentum a point
        assert plan.counts(stokes(), MOST_ROWS) == plan.counts(stokes(), 1)  # too many to ask for
    assert STRATEGIES["adam"]().counts(stokes(), 3000) == STRATEGIES["adam"]().counts(stokes(), 1)


@pytest.mark.slow
def test_a_thin_layer_is_resolved_by_a_wide_network():
    solution = pinnkit.fit(boundary_layer(1e-3))
    assert solution.summary.relative_l2["u"] < 1e-4


@pytest.mark.slow
def test_a_steep_front_is_left_to_the_deep_network():
    solution = pinnkit.fit(steep_front(), budget=140.0)
    assert any(isinstance(decision, KeptNetwork) and decision.is_deep for decision in solution.history.decisions)
    assert solution.summary.relative_l2["u"] < 1e-3
