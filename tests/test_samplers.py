"""Which points come next."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Condition, PointSet, Problem, ProblemError, QuasiRandom, Uniform
from pinnkit.samplers import batch_of, point_counts

from .problems_for_tests import LINE, PLANE, decay_rate, poisson

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


@pytest.mark.parametrize("sampler", [Uniform(), QuasiRandom()])
def test_layouts_fill_the_unit_cube_and_depend_on_the_seed_alone(sampler):
    first = sampler.layout(PLANE.interior, 300, seed=1)
    assert first.shape == (300, 2) and first.min() >= 0 and first.max() < 1
    np.testing.assert_array_equal(first, sampler.layout(PLANE.interior, 300, seed=1))
    assert not np.array_equal(first, sampler.layout(PLANE.interior, 300, seed=2))
    renewed = sampler.renew(jnp.asarray(first), jax.random.key(0))
    assert renewed.min() >= 0 and renewed.max() < 1 and not np.array_equal(renewed, first)


def test_quasi_random_points_integrate_better_than_random_ones_also_when_renewed():
    def error(sampler, renew):
        layouts = [sampler.layout(PLANE.interior, 1024, seed) for seed in range(8)]
        if renew:
            layouts = [sampler.renew(jnp.asarray(u), jax.random.key(i)) for i, u in enumerate(layouts)]
        return np.sqrt(np.mean([(np.mean(np.exp(np.sum(u, 1))) - (np.e - 1) ** 2) ** 2 for u in layouts]))

    for renew in (False, True):
        assert error(QuasiRandom(), renew) < 0.1 * error(Uniform(), renew)


def test_boundary_points_stay_on_the_boundary_when_renewed():
    sampler = QuasiRandom()
    layouts = sampler.init(WAVE, point_counts(WAVE, 64), seed=0)
    batch = batch_of(WAVE, sampler.draw(layouts, jax.random.key(3)))
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
        (0, "integer ≥ 1, got 0"),
        (-3, "integer ≥ 1, got -3"),
        (2.5, "integer ≥ 1"),
        ({"pde": 0}, "'pde'.*at least 1 point"),
        ({"walls": 1}, "'walls'.*at least 2 point"),
        ({"wall": 10}, r"unknown condition\(s\) \['wall'\].*'pde', 'start', 'walls'"),
    ],
)
def test_counts_that_cannot_be_meant_are_refused(points, message):
    with pytest.raises(ProblemError, match=message):
        point_counts(WAVE, points)


def test_a_point_set_is_always_used_whole():
    problem = Problem("data", LINE, {"data": Condition(lambda u, v: u - v, on=PointSet({"x": [0.1, 0.2]}, v=1.0))})
    layouts = QuasiRandom(redraw=1).init(problem, point_counts(problem), seed=0)
    assert len(batch_of(problem, layouts)["data"]) == 2
