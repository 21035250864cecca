"""Samplers: layouts, counts and adaptive points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from scipy import stats

from pinnkit import (
    SAMPLERS,
    Condition,
    KernelGuided,
    PointSet,
    Problem,
    ProblemError,
    QuasiRandom,
    ResidualAdaptive,
    Uniform,
    fit,
)
from pinnkit.networks.adapters import as_functional
from pinnkit.residuals.forms import linearize
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.runs.stop_reason import StopReason
from pinnkit.samplers.adaptive import choose
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of
from pinnkit.samplers.space_filling import renewed

from ..problems_for_tests import LINE, PLANE, decay_rate, poisson

pytestmark = pytest.mark.usefixtures("x64")

WAVE = Problem(
    name="wave",
    domain=PLANE,
    conditions={
        "pde": Condition(lambda u: u.tt - u.xx, on=PLANE.interior),
        "start": Condition(lambda u: u, on=PLANE.start()),
        "walls": Condition(lambda u: u, on=PLANE.boundary("x")),
    },
)


class Linear:
    """A problem with u = features(x) · coefficients at given coefficients, and its residuals."""

    def __init__(self, problem, features, coefficients):
        functions = lambda key: jnp.asarray(coefficients), lambda a, x: features(x) @ a[:, None]
        model = as_functional(functions, problem.domain.dimension)
        self.problem, self.residuals = problem, ResidualFunctions(problem, model)
        self.params = self.residuals.initial_params(model.params)
        self.weights = {name: jnp.ones(()) for name in problem.conditions}

    def layouts(self, n):
        return QuasiRandom().init(self.problem, point_counts(self.problem, n), seed=0)

    def draw(self, sampler, layouts, keys):
        """Layouts for one key, or for each of several keys."""
        draw = lambda key: sampler.draw(layouts, key, self.residuals, self.params, self.weights)
        return jax.jit(jax.vmap(draw) if keys.shape else draw)(keys)

    def scores(self, sampler, x, key=0):
        """Scores of the first condition at points, in coordinates of the unit cube."""
        score = sampler.score(self.residuals, self.params, self.weights, jax.random.key(key))
        name, condition = next(iter(self.problem.conditions.items()))
        return np.asarray(jax.jit(jax.vmap(lambda point: score(name, point)))(condition.on.points(jnp.asarray(x))))


@pytest.mark.parametrize("sampler", [Uniform(), QuasiRandom()])
def test_layouts_fill_the_unit_cube_and_depend_on_the_seed_alone(sampler):
    first = sampler.layout(PLANE.interior, 300, seed=1)
    assert first.shape == (300, 2) and first.min() >= 0 and first.max() < 1
    np.testing.assert_array_equal(first, sampler.layout(PLANE.interior, 300, seed=1))
    assert not np.array_equal(first, sampler.layout(PLANE.interior, 300, seed=2))
    renewed = sampler.renew(jnp.asarray(first), jax.random.key(0))
    assert renewed.min() >= 0 and renewed.max() < 1 and not np.array_equal(renewed, first)


def test_quasi_random_points_integrate_better_than_random_ones_also_after_a_redraw():
    def error(sampler, renew):
        layouts = [sampler.layout(PLANE.interior, 1024, seed) for seed in range(8)]
        if renew:
            layouts = [sampler.renew(jnp.asarray(u), jax.random.key(i)) for i, u in enumerate(layouts)]
        return np.sqrt(np.mean([(np.mean(np.exp(np.sum(u, 1))) - (np.e - 1) ** 2) ** 2 for u in layouts]))

    for renew in (False, True):
        assert error(QuasiRandom(), renew) < 0.1 * error(Uniform(), renew)


def test_redrawn_boundary_points_lie_on_the_boundary():
    sampler = QuasiRandom()
    layouts = sampler.init(WAVE, point_counts(WAVE, 64), seed=0)
    batch = batch_of(WAVE, renewed(sampler, layouts, jax.random.key(3)))
    np.testing.assert_array_equal(batch["start"].coordinates[:, 1], 0.0)
    assert set(np.asarray(batch["walls"].coordinates[:, 0])) == {0.0, 1.0}


def test_counts_follow_dimension_and_can_be_named():
    assert point_counts(WAVE, 800) == {"pde": 800, "start": 100, "walls": 100}
    assert point_counts(WAVE, {"start": 7})["start"] == 7
    assert point_counts(poisson(), 50) == {"pde": 50, "walls": 2}
    assert point_counts(decay_rate(), 50) == {"pde": 50, "data": 9}


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (0, "from 1 to 16,777,216, got 0"),
        (-3, "whole number .* got -3"),
        (2.5, "whole number"),
        ({"pde": 0}, "'pde' .* needs 1 to"),
        ({"walls": 1}, "'walls' .* needs 2 to"),
        ({"wall": 10}, r"unknown condition\(s\) \['wall'\].*'pde', 'start', 'walls'"),
    ],
)
def test_invalid_counts_raise_an_error(points, message):
    with pytest.raises(ProblemError, match=message):
        point_counts(WAVE, points)


def test_all_points_of_a_point_set_are_used():
    problem = Problem("data", LINE, {"data": Condition(lambda u, v: u - v, on=PointSet({"x": [0.1, 0.2]}, v=1.0))})
    layouts = QuasiRandom(redraw=1).init(problem, point_counts(problem), seed=0)
    assert len(batch_of(problem, layouts)["data"]) == 2


LEFT_AND_RIGHT = Problem(
    name="left_and_right",
    domain=PLANE,
    conditions={
        "pde": Condition(lambda u: u.value, on=PLANE.interior),
        "walls": Condition(lambda u: u.value, on=PLANE.boundary("x")),
        "data": Condition(lambda u: u.value, on=PointSet({"x": [0.1, 0.2, 0.9], "t": [0.5, 0.6, 0.7]})),
    },
)
BOTH = [ResidualAdaptive(), KernelGuided(reference=8)]


def line_with_value(x, value):
    """A problem on the unit interval whose residual is that of the model."""
    return Linear(Problem("line", LINE, {"pde": Condition(lambda u: u.value, on=LINE.interior)}), x, value)


def saddle():
    """r = x (1 - t) + (1 - x) t: 1 at two corners, 0 at the other two."""
    return Linear(LEFT_AND_RIGHT, lambda x: jnp.stack([x[0] * (1 - x[1]), (1 - x[0]) * x[1]]), [1.0, 1.0])


def chi_square_is_plausible(counts, probabilities):
    """Whether counts are from a multinomial distribution: a true one fails for one seed in 10⁴."""
    expected = np.sum(counts) * np.asarray(probabilities)
    return np.sum((counts - expected) ** 2 / expected) < stats.chi2.isf(1e-4, len(counts) - 1)


def test_indices_are_drawn_without_replacement_in_proportion_to_the_density():
    p = np.array([0.1, 0.2, 0.3, 0.4])
    keys = jax.random.split(jax.random.key(0), 20_000)
    first, second = np.asarray(jax.jit(jax.vmap(lambda key: choose(jnp.asarray(3 * p), 2, key)))(keys)).T
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    counts = np.array([np.sum((first == i) & (second == j)) for i, j in pairs])
    assert counts.sum() == len(keys)
    assert chi_square_is_plausible(counts, [p[i] * p[j] / (1 - p[i]) for i, j in pairs])


@pytest.mark.parametrize(
    ("power", "offset", "cumulative"),
    [
        (1.0, 1.0, lambda x: (x**2 + x) / 2),
        (2.0, 0.0, lambda x: x**3),
        (0.0, 1.0, lambda x: x),
    ],
)
def test_points_have_the_given_density(power, offset, cumulative):
    """r = x, so that the density is x^k (k + 1) + c; for one point out of 200 candidates the bias is O(1/200)."""
    line = line_with_value(lambda x: x, [1.0])
    sampler = ResidualAdaptive(share=1.0, candidates=200, power=power, offset=offset)
    x = np.asarray(line.draw(sampler, line.layouts(1), jax.random.split(jax.random.key(1), 4000))["pde"]).ravel()
    edges = np.linspace(0, 1, 11)
    assert chi_square_is_plausible(np.histogram(x, edges)[0], np.diff(cumulative(edges)))


def test_a_quantile_of_many_points_follows_the_density_although_none_is_chosen_twice():
    """With c = 0 and k = 1 the median of the density 2x is 1/√2; without replacement it moves towards ½ a little."""
    line = line_with_value(lambda x: x, [1.0])
    sampler = ResidualAdaptive(share=1.0, candidates=10, offset=0.0)
    x = np.asarray(line.draw(sampler, line.layouts(1000), jax.random.key(2))["pde"]).ravel()
    assert len(np.unique(x)) == 1000
    assert abs(np.mean(x > 0.5**0.5) - 0.5) < 0.05 + 4 * 0.5 / np.sqrt(1000)


def test_the_score_of_a_vector_residual_is_its_norm():
    problem = Problem("two", LINE, {"pde": Condition(lambda u, x: [3 * x * u, 4 * x * u], on=LINE.interior)})
    two = Linear(problem, lambda x: jnp.ones(1), [1.0])
    x = np.linspace(0, 1, 5)
    np.testing.assert_allclose(two.scores(ResidualAdaptive(), x[:, None]), 5 * x, rtol=1e-14)


@pytest.mark.parametrize("scores", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_scores_without_a_finite_positive_mean_give_the_uniform_density(scores):
    density = ResidualAdaptive(offset=0.0).density(jnp.asarray(scores))
    np.testing.assert_array_equal(density, 1.0)


@pytest.mark.parametrize("sampler", BOTH)
def test_half_of_the_interior_points_follows_the_score_for_each_key_and_the_others_are_quasi_random(sampler):
    problem = saddle()
    layouts = problem.layouts(64)
    drawn = problem.draw(sampler, layouts, jnp.stack([jax.random.key(5), jax.random.key(5), jax.random.key(6)]))
    first, again, other = ({name: array[i] for name, array in drawn.items()} for i in range(3))
    shapes = {name: (array.shape, array.dtype) for name, array in layouts.items()}
    assert {name: (array.shape, array.dtype) for name, array in first.items()} == shapes
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert not np.isin(first["pde"], other["pde"]).any()
    shifts = {name: np.mod(first[name] - layouts[name], 1) for name in ("pde", "walls")}
    assert np.ptp(shifts["walls"], axis=0).max() < 1e-15 and np.ptp(shifts["pde"][:32], axis=0).max() < 1e-15
    assert not np.isclose(shifts["pde"][32:], shifts["pde"][0], atol=1e-6).any()
    batch = batch_of(problem.problem, first)
    np.testing.assert_array_equal(batch["data"].coordinates, [[0.1, 0.5], [0.2, 0.6], [0.9, 0.7]])


def test_each_face_keeps_its_share_and_gets_points_by_its_own_residual():
    """r = t on the left face and 1 − t on the right one: densities 2t and 2(1 − t), of means ⅔ and ⅓."""
    problem = saddle()
    sampler = ResidualAdaptive(share=1.0, candidates=20, offset=0.0, everywhere=True)
    layouts = QuasiRandom().init(problem.problem, {"pde": 1, "walls": 801, "data": 3}, seed=0)
    walls = batch_of(problem.problem, problem.draw(sampler, layouts, jax.random.key(3)))["walls"]
    x, t = np.asarray(walls.coordinates).T
    assert [np.sum(x == 0), np.sum(x == 1)] == list(PLANE.boundary("x").parts(801))
    np.testing.assert_array_equal(walls.normals[:, 0], 2 * x - 1)
    error = 5 * np.sqrt(1 / 18 / 400)
    assert abs(t[x == 0].mean() - 2 / 3) < error and abs(t[x == 1].mean() - 1 / 3) < error


def test_the_kernel_guided_score_is_the_reduction_of_the_loss_after_the_horizon_by_a_step_on_the_point():
    """For a linear model the loss is ½‖exp(−TK) r(θ)‖² then, and a step on one point moves θ by −η J(z)ᵀ r(z)."""
    features = lambda x: jnp.stack([x[0] ** 0, x[0], x[0] * x[1], x[1] ** 2])
    model = Linear(LEFT_AND_RIGHT, features, [0.3, -1.0, 2.0, 0.5])
    sampler, key = KernelGuided(horizon=30.0, reference=16), jax.random.key(0)
    batch = sampler.references(model.problem, key)
    step = jax.jit(lambda params: linearize(model.residuals, params, batch, model.weights))(model.params)
    K, theta = np.asarray(step.ntk), np.asarray(model.params["network"])
    left_over = scipy.linalg.expm(-30.0 / np.linalg.norm(K, 2) * K) @ np.asarray(step.jacobian)
    loss = lambda theta: 0.5 * np.sum((left_over @ theta) ** 2)
    points = QuasiRandom().layout(PLANE.interior, 32, seed=3)
    moves = [features(z) * (features(z) @ theta) for z in points]
    reductions = [(loss(theta - move) - loss(theta + move)) / -2 for move in moves]  # exact, as the loss is quadratic
    assert min(reductions) < 0 < max(reductions)
    np.testing.assert_allclose(model.scores(sampler, points), np.maximum(reductions, 0), atol=1e-10 * max(reductions))


def cosines(fast, slow):
    """r = fast · cos πx + slow · cos 4πx; the eigenvalues of the two modes are ½ and ½/100."""
    features = lambda x: jnp.concatenate([jnp.cos(jnp.pi * x), jnp.cos(4 * jnp.pi * x) / 10])
    return line_with_value(features, [float(fast), 10.0 * slow])


def test_the_kernel_guided_score_sees_the_slow_mode_and_not_the_fast_one():
    """After T = 200/λ_max only the slow mode is left: the score is proportional to cos(4πx) r(x) where that is > 0.

    Its maxima are the antinodes of the slow mode that the residual has. The tolerance is the error of the quadrature
    by reference points.
    """
    x, sampler = np.linspace(0, 1, 401), KernelGuided(horizon=200.0, reference=512)
    slow, r = np.cos(4 * np.pi * x), 2 * np.cos(np.pi * x) + np.cos(4 * np.pi * x)
    scores, expected = cosines(2, 1).scores(sampler, x[:, None]), np.maximum(slow * r, 0)
    np.testing.assert_allclose(scores / scores.max(), expected / expected.max(), atol=0.02)

    scores = cosines(0, 1).scores(sampler, x[:, None])
    np.testing.assert_allclose(scores / scores.max(), slow**2, atol=0.02)


def test_kernel_guided_points_gather_at_the_antinodes_of_the_slow_mode():
    line = cosines(0, 1)
    sampler = KernelGuided(share=1.0, candidates=20, power=1.0, offset=0.0, horizon=200.0)
    x = np.asarray(line.draw(sampler, line.layouts(400), jax.random.key(1))["pde"]).ravel()
    share = 0.5 + 1 / np.pi  # of the density 2 cos² 4πx within 1/16 of an antinode
    assert abs(np.mean(np.cos(4 * np.pi * x) ** 2 > 0.5) - share) < 0.02 + 4 * np.sqrt(share * (1 - share) / 400)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_have_names(name):
    sampler = SAMPLERS.of(name)
    assert sampler.redraw == 10 and SAMPLERS.of(sampler) is sampler


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SAMPLERS.of("none"),
            "unknown sampler 'none'.* Choose one of quasi-random, uniform, residual-adaptive, k",
        ),
        (lambda: SAMPLERS.of(QuasiRandom), r"a sampler is a name \(.*\) or an `AbstractSampler`; got "),
        (lambda: QuasiRandom(redraw=0), "`redraw` must be a number of steps ≥ 1, or None to keep the points; got 0"),
        (lambda: ResidualAdaptive(redraw=None), "`redraw`.*got None"),
        (lambda: ResidualAdaptive(share=1.5), "`share` must be a number from 0 to 1, got 1.5"),
        (lambda: ResidualAdaptive(candidates=0), "`candidates` must be a whole number ≥ 1, got 0"),
        (lambda: KernelGuided(power=-1.0), "`power` must be a finite number ≥ 0, got -1.0"),
        (lambda: KernelGuided(offset=np.inf), "`offset` must be a finite number ≥ 0, got inf"),
        (lambda: KernelGuided(horizon=-1.0), "`horizon` must be a finite number ≥ 0, got -1.0"),
        (lambda: KernelGuided(reference=0), "`reference` must be a whole number ≥ 1, got 0"),
    ],
)
def test_invalid_samplers_raise_an_error(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.slow
def test_fit_uses_the_given_sampler():
    problem, sampler = decay_rate(), KernelGuided(redraw=1, reference=8)
    solution = fit(problem, strategy="adam", sampler=sampler, steps=2, points=16, width=4, depth=1)
    first = QuasiRandom().init(problem, point_counts(problem, 16), seed=0)
    assert solution.summary.stop_reason is StopReason.STEPS and solution.run.config["sampler"] == "KernelGuided"
    assert not np.isin(solution.state.layouts["pde"], first["pde"]).any()
    assert solution.state.layouts["data"].shape == (9, 0)
