"""Hard constraints hold for any network; other conditions remain soft constraints, with a reason."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import (
    MLP,
    Box,
    Condition,
    Interval,
    Periodic,
    PointSet,
    Problem,
    ProblemError,
    Unknown,
    laplacian,
    periodic,
)
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.networks.adapters import as_functional
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of
from pinnkit.samplers.space_filling import QuasiRandom

square = Box(x=(0.0, 1.0), y=(0.0, 2.0))
rod = Box(x=(-1.0, 1.0), t=(0.0, 0.5))
sine = lambda x: jnp.sin(jnp.pi * x)


def problem(conditions, domain=rod, fields=("u",), **coefficients):
    """With an equation inside, so that something is left in the loss."""
    inside = Condition(lambda: jnp.zeros(()), on=domain.interior)
    return Problem("p", domain, {**conditions, "inside": inside}, fields, coefficients)


PROBLEMS = {
    "one end": problem(
        {"left": Condition(lambda u: u - 2, on=Interval(x=(0.0, 3.0)).lower_face("x"))}, Interval(x=(0.0, 3.0))
    ),
    "walls of a square": problem(
        {"walls": Condition(lambda u, x, y: 3 * (u - x * y**2), on=square.boundary())}, square
    ),
    "wave": problem(
        {
            "velocity": Condition(lambda u, x: u.t - x * (1 - x**2), on=rod.start()),
            "displacement": Condition(lambda u, x: u - sine(x), on=rod.start()),
            "walls": Condition(lambda u, t: u, on=rod.boundary("x")),
        }
    ),
    "clamped": problem({"ends": Condition(lambda u, t: [u - t, u.x - 1.0], on=rod.boundary("x"))}),
    "two fields": problem(
        {
            "walls": Condition(lambda u, v, y: [u - y, 2 * v], on=square.boundary("x")),
            "top": Condition(lambda p: p - 1, on=square.upper_face("y")),
        },
        square,
        ("u", "v", "p"),
    ),
    "vector field": problem(
        {"walls": Condition(lambda v, y: v - jnp.stack([y, -y]), on=square.boundary("x"))}, square, {"v": 2}
    ),
    "periodic": problem(
        {"seam": periodic(rod, "x", order=1), "initial": Condition(lambda u, x: u - sine(x), on=rod.start())}
    ),
    "coefficient": problem({"left": Condition(lambda u, a: a * u - 1, on=rod.lower_face("x"))}, a=4.0),
}


def residuals_of(problem, ansatz):
    size = sum(problem.field_sizes.values())
    embedding = Periodic(problem.domain, ansatz.periods) if ansatz.periods else None
    network = MLP(problem.domain, size, 6, 1, embedding=embedding, seed=3)
    model = ansatz.wrap(as_functional(network, problem.domain.dimension))
    functions = ResidualFunctions(problem, model)
    batch = batch_of(problem, QuasiRandom().init(problem, point_counts(problem, 64), 0))
    return {name: np.abs(r).max() for name, r in functions(functions.initial_params(model.params), batch).items()}


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", PROBLEMS)
def test_conditions_hold_for_a_random_network(name):
    ansatz = find_ansatz(PROBLEMS[name])
    assert {*ansatz.conditions, "inside"} == set(PROBLEMS[name].conditions) and not ansatz.notes
    assert max(residuals_of(PROBLEMS[name], ansatz).values()) < 100 * np.finfo(float).eps


def test_the_network_is_free_inside():
    """Φ vanishes on the faces alone: G + Φ N takes any value inside, and N of one is not that of zero."""
    ansatz = find_ansatz(PROBLEMS["walls of a square"])
    bounds = jnp.asarray(square.lower), jnp.asarray(square.upper)
    at = lambda n: ansatz.outputs(jnp.array([n]), jnp.array([0.5, 1.0]), bounds)
    np.testing.assert_allclose(at(1.0) - at(0.0), 1.0)  # normalised to one in the middle


def test_transfinite_interpolation_reproduces_products_of_linear_functions():
    p = problem({"walls": Condition(lambda u, x, y: u - (1 + x) * (2 - y), on=square.boundary())}, square)
    bounds = jnp.asarray(square.lower), jnp.asarray(square.upper)
    x = jnp.array([0.3, 1.7])
    np.testing.assert_allclose(find_ansatz(p).outputs(jnp.zeros(1), x, bounds), (1 + x[0]) * (2 - x[1]), rtol=1e-14)


LEFT_IN_THE_LOSS = {
    "nonlinear": (lambda u: u**2 - 1, rod.lower_face("x")),
    "robin": (lambda u: u + u.x, rod.lower_face("x")),
    "tangential": (lambda u: u.x, rod.start()),
    "inside": (lambda u: u - 1, rod.interior),
    "measured": (lambda u, m: u - m, PointSet({"x": [0.0], "t": [0.1]}, m=[1.0])),
    "degenerate": (lambda u, x: x * u, rod.start()),
    "unknown": (lambda u, a: u - a, rod.lower_face("x")),
}


@pytest.mark.parametrize("name", LEFT_IN_THE_LOSS)
def test_other_conditions_are_left_alone(name):
    residual, region = LEFT_IN_THE_LOSS[name]
    p = problem({"c": Condition(residual, on=region), "pde": Condition(lambda u: u.t, on=rod.interior)}, a=Unknown(1.0))
    assert find_ansatz(p).conditions == ()


def test_values_that_are_not_finite_are_left_in_the_loss():
    p = problem({"initial": Condition(lambda u, x: u - jnp.log(x + 1), on=rod.start())})
    ansatz = find_ansatz(p)
    assert ansatz.conditions == () and "not finite" in ansatz.notes[0]


def test_something_is_always_left_in_the_loss():
    p = Problem("p", rod, {"initial": Condition(lambda u: u, on=rod.start())})
    assert find_ansatz(p).conditions == ()


def test_a_derivative_needs_its_value():
    p = problem({"flux": Condition(lambda u: u.x, on=rod.lower_face("x"))})
    ansatz = find_ansatz(p)
    assert ansatz.conditions == () and "derivative without the value" in ansatz.notes[0]


def test_values_that_do_not_meet_are_told_with_both():
    p = problem(
        {"initial": Condition(lambda u: u - 1, on=rod.start()), "walls": Condition(lambda u: u, on=rod.boundary("x"))}
    )
    ansatz = find_ansatz(p)
    assert ansatz.conditions == ("initial",)  # initial values come first
    assert "do not meet those of 'initial'" in ansatz.notes[0]


def test_initial_values_with_a_kink_at_the_seam_stay_in_the_loss():
    p = problem({"seam": periodic(rod, "x", order=1), "initial": Condition(lambda u, x: u - x**2, on=rod.start())})
    ansatz = find_ansatz(p)
    assert ansatz.conditions == ("seam",) and "not periodic (derivative of order 1" in ansatz.notes[0]
    only_values = problem({"seam": periodic(rod, "x"), "initial": Condition(lambda u, x: u - x**2, on=rod.start())})
    values_only = find_ansatz(only_values)
    assert values_only.conditions == ("initial",) and values_only.periods == {}
    assert "not smooth over the period (derivative of order 1" in values_only.notes[0]


@pytest.mark.parametrize(
    "seam",
    [
        lambda u: [u - u(x=1.0), u.x - u.x(x=1.0)],
        lambda u: [u(x=1.0) - u, u.x(x=1.0) - u.x],
        lambda u: [u(x=-1.0) - u(x=1.0), u.x(x=-1.0) - u.x(x=1.0)],
    ],
)
def test_a_period_may_be_written_in_several_ways(seam):
    ansatz = find_ansatz(problem({"seam": Condition(seam, on=rod.lower_face("x"))}))
    assert ansatz.conditions == ("seam",) and ansatz.periods == {"x": 2.0} and ansatz.seams == {0: 1}


@pytest.mark.parametrize(
    "seam",
    [
        lambda u: u - u(x=0.5),
        lambda u: u + u(x=1.0),
        lambda u: u(x=1.0) - u(x=1.0) + u,
        lambda u: u.x(x=-1.0) - u(x=1.0),
    ],
)
def test_what_only_looks_like_a_period_stays_in_the_loss(seam):
    ansatz = find_ansatz(problem({"seam": Condition(seam, on=rod.lower_face("x"))}))
    assert ansatz.periods == {}


def test_soft_and_named_conditions():
    p = PROBLEMS["wave"]
    assert find_ansatz(p, "soft").conditions == ()
    assert find_ansatz(p, ["walls"]).conditions == ("walls",)
    with pytest.raises(ProblemError, match="there are no condition"):
        find_ansatz(p, ["roof"])
    with pytest.raises(ProblemError, match="'hard', 'soft' or names"):
        find_ansatz(p, "exact")
    with pytest.raises(ProblemError, match="'velocity' cannot be a hard constraint"):
        find_ansatz(p, ["velocity"])


def test_derivatives_of_the_ansatz_are_those_of_the_solution():
    """With the right network the residual inside vanishes: u = G + Φ N for a manufactured N."""
    box = Box(x=(0.0, 1.0), y=(0.0, 1.0))
    factor = lambda x, y: 16 * x * (1 - x) * y * (1 - y)
    exact = lambda x, y: jnp.exp(x) * y + factor(x, y) * jnp.sin(2 * x + y)
    second = lambda x, y: sum(jax.grad(jax.grad(exact, i), i)(x, y) for i in (0, 1))
    p = Problem(
        "p",
        box,
        {
            "pde": Condition(lambda u, x, y: laplacian(u) - second(x, y), on=box.interior),
            "walls": Condition(lambda u, x, y: u - exact(x, y), on=box.boundary()),
        },
    )
    ansatz = find_ansatz(p)
    bounds = jnp.asarray(box.lower), jnp.asarray(box.upper)
    interpolated = lambda x: ansatz.outputs(jnp.zeros(1), x, bounds)[0]
    apply = lambda c, x: c * jnp.array([(exact(*x) - interpolated(x)) / factor(*x)])
    functions = ResidualFunctions(ansatz.remaining, ansatz.wrap(as_functional((lambda key: jnp.ones(1), apply), 2)))
    batch = batch_of(ansatz.remaining, {"pde": jnp.asarray(np.random.default_rng(0).uniform(0.1, 0.9, (8, 2)))})
    r = functions(functions.initial_params(jnp.ones(1)), batch)["pde"]
    assert np.abs(r).max() < 1e-10


def test_single_rows_hold_where_a_condition_as_a_whole_does_not():
    """A clamped end with a law for the stress beside it; a slope of another field, without its value."""
    ansatz = find_ansatz(
        problem({"held": Condition(lambda u, s: [s - 2 * u.x, u - 3.0], on=rod.boundary("x"))}, fields=("u", "s"))
    )
    assert ansatz.conditions == () and set(ansatz.face_values) == {0} and "hard: row 2" in ansatz.notes[0]
    assert "held" in ansatz.remaining.conditions
    mixed = problem({"mixed": Condition(lambda u, s: [u - 3.0, s.x - 1], on=rod.boundary("x"))}, fields=("u", "s"))
    ansatz = find_ansatz(mixed)
    assert set(ansatz.face_values) == {0} and "derivative without the value; hard: row 1" in ansatz.notes[0]
    with pytest.raises(ProblemError, match="'mixed' cannot be a hard constraint"):
        find_ansatz(mixed, ["mixed"])


@pytest.mark.parametrize("problem", [name for name in PROBLEMS if name != "coefficient"])
def test_the_search_finds_the_same_again_from_what_was_wanted(problem):
    ansatz = find_ansatz(PROBLEMS[problem])
    again = find_ansatz(PROBLEMS[problem], ansatz.wanted)
    assert (again.conditions, again.face_values, again.seams) == (ansatz.conditions, ansatz.face_values, ansatz.seams)
