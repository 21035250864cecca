"""Roots along lines, and points of regions, by NumPy and in compiled functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Ball, Box, Disk
from pinnkit.geometry.placing import placed
from pinnkit.geometry.sampling import sobol
from pinnkit.geometry.solids.primitive import sign_changes

PLATE = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.3, x=0.2, y=0.1)
SHELL = Ball(1.0) - Ball(0.4, x=0.2, y=0.0, z=0.0)


def test_roots_are_found_to_rounding_in_few_evaluations():
    coefficients, calls = np.random.default_rng(0).normal(size=(1000, 6)), []

    def value(x):
        calls.append(1)
        return sum(coefficients[:, k] * x**k for k in range(6))

    low, high = np.zeros(1000), np.ones(1000)
    found = sign_changes(value, low, high)
    is_changed = (value(low) < 0) != (value(high) < 0)
    np.testing.assert_array_equal(np.isfinite(found), is_changed)
    root = np.where(is_changed, found, 0.0)
    slope = sum(k * np.abs(coefficients[:, k]) for k in range(6))
    assert (np.abs(value(root))[is_changed] <= 8 * np.finfo(float).eps * (1 + slope[is_changed])).all()
    assert len(calls) < 30  # bisection takes 53


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flat_and_steep_functions_and_roots_at_the_ends(dtype):
    ends, eps = (np.array([-1.0], dtype), np.array([1.0], dtype)), np.finfo(dtype).eps
    functions = [lambda x: (x - 0.25) ** 9, lambda x: np.cbrt(x - 0.25), lambda x: np.where(x < 0.25, -1.0, 1e6)]
    for function in functions:
        assert abs(sign_changes(function, *ends)[0] - 0.25) <= 16 * eps
    assert sign_changes(lambda x: x - 1, *ends)[0] == 1.0
    assert np.isinf(sign_changes(lambda x: x + 1, *ends)[0])  # negative nowhere
    assert np.isinf(sign_changes(lambda x: x + 2, *ends)[0])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("domain", [PLATE, SHELL, PLATE.over(t=(0.0, 2.0), parameters={"k": (1.0, 3.0)})])
def test_points_are_those_of_compiled_functions(domain):
    regions = {"inside": domain.interior, "rim": domain.boundary()}
    units = {name: jnp.asarray(sobol(region.dimension, 64)) for name, region in regions.items()}
    compiled = jax.jit(lambda units: placed(regions, units))(units)
    found = placed(regions, units)
    assert regions["rim"].is_placed_by_numpy and list(found) == ["inside", "rim"]
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(compiled), strict=True):
        assert isinstance(one, jax.Array) and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, atol=1e-12)
