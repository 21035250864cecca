"""The start of a window: how many sines it needs, and where coordinates are stretched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Condition, Interval, Problem
from pinnkit.automatic.length_scales import _length_scale
from pinnkit.automatic.time_marching.initial_slice import Wanted, find_initial_slice
from pinnkit.automatic.time_marching.marching import find_marching
from pinnkit.equations.exact.ansatz import find_ansatz

WIDTHS = [200, 400, 800, 1600]
SOUGHT = Wanted(WIDTHS, 1.0)
LINE = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
SQUARE = Box(x=(0.0, 2.0), y=(0.0, 1.0), t=(0.0, 1.0))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def start_of(box, pde, function, *periodic, wanted=SOUGHT):
    conditions = {
        "pde": Condition(pde, on=box.interior),
        "start": Condition(function, on=box.start()),
        **{f"period in {name}": pinnkit.periodic(box, name, order=1) for name in periodic},
    }
    marching = find_marching(find_ansatz(Problem("p", box, conditions)))
    assert marching is not None
    return find_initial_slice(marching, lambda x: np.asarray(jax.vmap(marching.declared)(x)), 0.0, wanted, 0)


def advected(u):
    return u.t + u * u.x


def test_smooth_values_take_the_narrowest_network():
    start = start_of(LINE, advected, lambda u, x: u - jnp.sin(3 * x))
    assert start.width == WIDTHS[0] and start.error < 1e-7
    assert not np.any(start.stretching.share)


def test_fast_values_take_a_wider_network():
    start = start_of(LINE, advected, lambda u, x: u - jnp.sin(60 * x))
    assert WIDTHS[0] < start.width and start.error < 1e-7
    assert start.bandwidth[0] > 60


@pytest.mark.parametrize("center", [-0.4, 0.0])
def test_a_front_is_resolved_by_stretching_coordinates_around_it(center):
    """A front of width 1/200 has waves up to about 1000 in plain coordinates, more than 1600 unknowns hold."""
    start = start_of(LINE, advected, lambda u, x: u - jnp.tanh(200 * (x - center)), wanted=Wanted([800], 1.0))
    assert start.error < 1e-5
    bumps = np.asarray(start.stretching.center)[np.asarray(start.stretching.share) > 0]
    assert np.abs(bumps - center).min() < 0.01


def test_coordinates_are_stretched_from_the_usual_width_on_and_only_until_the_error_is_harmless():
    front = lambda u, x: u - jnp.tanh(40 * x)
    plain = start_of(LINE, advected, front, wanted=Wanted([800], 1.0, usual=1600))
    usual = start_of(LINE, advected, front, wanted=Wanted([800], 1.0, usual=800))
    content = start_of(LINE, advected, front, wanted=Wanted([800], 1.0, met=1.0, plenty=1.0))
    assert not np.any(plain.stretching.share) and not np.any(content.stretching.share)
    assert np.any(usual.stretching.share) and usual.error < 1e-9 and min(plain.error, content.error) > 1e-4


@pytest.mark.slow
def test_a_front_on_a_seam_and_layers_in_two_coordinates():
    seam = lambda x: jnp.exp(30 * (jnp.cos(jnp.pi * (x - 1)) - 1))
    start = start_of(LINE, lambda u: u.t + u * u.x - u.xx, lambda u, x: u - seam(x), "x", wanted=Wanted([800], 1.0))
    assert start.error < 1e-7
    plane = lambda u, x, y: u - jnp.tanh(8 * (x - 1)) * jnp.cos(y)
    flat = start_of(SQUARE, advected, plane, wanted=Wanted([3000], 1.0))
    assert flat.error < 1e-3
    assert flat.bandwidth[0] > flat.bandwidth[1]


def test_smooth_values_in_a_plane_are_met_by_a_narrow_network():
    vortex = lambda u, x, y: u - jnp.cos(jnp.pi * x) * jnp.sin(2 * jnp.pi * y)
    start = start_of(SQUARE, advected, vortex, wanted=Wanted([200, 400], 1.0))
    assert start.error < 1e-7


def test_time_alone_has_nothing_to_fit():
    time = Interval(t=(0.0, 1.0))
    problem = Problem(
        "growth",
        time,
        {
            "ode": Condition(lambda u: u.t - u**2, on=time.interior),
            "start": Condition(lambda u: u - 0.25, on=time.start()),
        },
    )
    marching = find_marching(find_ansatz(problem))
    assert marching is not None
    start = find_initial_slice(marching, lambda x: np.asarray(jax.vmap(marching.declared)(x)), 0.0, Wanted(WIDTHS), 0)
    assert (start.width, start.error, float(start.params[0])) == (WIDTHS[0], 0.0, 0.25)


@pytest.mark.parametrize("wave_number", [5.0, 50.0])
def test_length_scale_of_a_wave_is_its_inverse_wave_number(wave_number):
    line = np.linspace(-1, 1, 2049)
    scale = _length_scale(line, np.sin(wave_number * line)[None, :, None], periodic=False)
    np.testing.assert_allclose(scale, 1 / wave_number, rtol=0.45)  # the larger of sine and cosine is at least 0.7
    constant = _length_scale(line, np.ones((1, line.size, 1)), periodic=False)
    np.testing.assert_array_equal(constant, 1.0)
