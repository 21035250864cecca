"""Time windows on shapes: points stay on their curves, only points inside count, and windows solve."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Disk, Problem, dirichlet, initial, laplacian
from pinnkit._base.clock import Clock
from pinnkit.automatic.time_marching.initial_slice import Wanted, find_initial_slice
from pinnkit.automatic.time_marching.marching import find_marching
from pinnkit.automatic.time_marching.settings import WindowSettings
from pinnkit.automatic.time_marching.windows import Windows, joined
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.runs.limits import Limits
from pinnkit.runs.recorder import Recorder
from pinnkit.samplers.space_filling import QuasiRandom

pytestmark = pytest.mark.usefixtures("x64")

DISK = Disk(radius=1.0, x=0.3, y=0.0)
LSHAPE = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Box(x=(0.0, 1.0), y=(-1.0, 0.0))


def heat(domain, **conditions):
    """Heat in a domain with the solution e^(−2t) sin x cos y."""
    at_rim = lambda x, y, t: jnp.exp(-2 * t) * jnp.sin(x) * jnp.cos(y)
    own = {
        "pde": Condition(lambda u: u.t - laplacian(u), on=domain.interior),
        "start": initial(domain, lambda x, y: jnp.sin(x) * jnp.cos(y)),
        "rim": dirichlet(domain.boundary(), at_rim),
    }
    return Problem("heat", domain, {**own, **conditions})


def exact(x):
    return np.exp(-2 * x[:, 2]) * np.sin(x[:, 0]) * np.cos(x[:, 1])


def marching_of(problem):
    found = find_marching(find_ansatz(problem))
    assert found is not None
    return found


def test_a_shape_marches_without_stretched_coordinates():
    domain = DISK.over(t=(0.0, 2.0))
    marching = marching_of(heat(domain))
    assert (marching.axis, marching.stretches, list(marching.problem.conditions)) == (2, False, ["pde", "rim"])
    box = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)).over(t=(0.0, 2.0))
    assert marching_of(heat(box)).stretches
    end = Condition(lambda u: u, on=domain.end())
    assert find_marching(find_ansatz(heat(domain, end=end))) is None
    later = Condition(lambda u: u, on=DISK.over(t=(1.0, 2.0)).boundary())
    assert find_marching(find_ansatz(heat(domain, rim=later))) is None


def test_a_part_of_a_box_may_have_a_condition_of_its_own():
    box = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)).over(t=(0.0, 2.0))
    spot = Box(x=(-0.2, 0.2), y=(-0.2, 0.2)).over(t=(0.0, 2.0))
    source = Condition(lambda u: u.t - laplacian(u) - 1.0, on=spot.interior)
    assert not marching_of(heat(box, source=source)).stretches
    early = Condition(lambda u: u, on=Box(x=(-0.2, 0.2), y=(-0.2, 0.2)).over(t=(0.0, 1.0)).interior)
    assert find_marching(find_ansatz(heat(box, early=early))) is None


def test_points_stay_on_their_curve_in_every_window():
    domain = DISK.over(t=(0.0, 2.0))
    marching, region = marching_of(heat(domain)), domain.boundary()
    points = region.points(jnp.asarray(QuasiRandom().layout(region, 64, 0)))
    moved = marching.move({"rim": points}, (0.5, 0.75), marching.ansatz.stretching())["rim"].coordinates
    np.testing.assert_array_equal(moved[:, :2], points.coordinates[:, :2])
    np.testing.assert_allclose(moved[:, 2], 0.5 + points.coordinates[:, 2] / 8, rtol=1e-14)


def test_initial_values_outside_of_a_shape_do_not_matter():
    """They are fitted inside of an L, whatever they are where there is no domain."""
    domain = LSHAPE.over(t=(0.0, 1.0))
    marching = marching_of(heat(domain))
    smooth = lambda x: np.sin(2 * x[:, :1]) * np.cos(x[:, 1:2])
    wild = lambda x: np.where(domain.contains(x)[:, None], smooth(x), np.nan)
    for values in (smooth, wild):
        start = find_initial_slice(marching, values, 0.0, Wanted([2400], 1.0), 0)
        assert start.error < 1e-5 and not np.any(start.stretching.share)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [DISK, LSHAPE], ids=["disk", "L"])
def test_windows_solve_the_heat_equation_on_a_shape(shape):
    domain = shape.over(t=(0.0, 0.2))
    marching = marching_of(heat(domain))
    recorder = Recorder(marching.problem.conditions, domain.coordinates, Limits(None, None, None, Clock(0.0)), ())
    found = Windows(marching, 0, recorder, WindowSettings(unknowns=(1200,), tolerances=(1e-9,))).run()
    assert found is not None and found[-1].span[1] == 0.2
    model, x = joined(marching, found), domain.evaluation(500).points
    values = jax.jit(jax.vmap(model.apply, (None, 0)))(model.params, jnp.asarray(x))[:, 0]
    np.testing.assert_allclose(values, exact(x), atol=1e-4)
