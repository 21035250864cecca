"""Half-waves of synthetic modes, of noise, and of the modes of a network's kernel."""

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import qmc

from pinnkit.ntk import NTKWrapper
from pinnkit.ntk.frequency import MOST_CANDIDATES, ModeFrequency, _wave_numbers, dominant_frequencies

NAMES = "xtyzabcdef"
LAYOUTS = {
    "random": lambda n, d: np.random.default_rng(n).random((n, d)),
    "quasi-random": lambda n, d: qmc.Sobol(d, rng=np.random.default_rng(n)).random_base2(n.bit_length() - 1),
    "grid": lambda n, d: np.indices(d * (round(n ** (1 / d)),)).reshape(d, -1).T / (round(n ** (1 / d)) - 1),
}
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def noise(size, relative, seed=0):
    """Of so much of the variance of a sine."""
    return np.sqrt(relative / 2) * np.random.default_rng(seed).standard_normal(size)


def found(values, points, bounds=(0.0, 1.0)):
    """The half-waves along each coordinate of a cube."""
    points = np.reshape(points, (len(values), -1))
    d = points.shape[1]
    box = np.outer(bounds, np.ones(d))
    (frequency,) = dominant_frequencies(np.reshape(values, (-1, 1)), points, tuple(NAMES[:d]), box)
    return None if frequency.half_waves is None else tuple(frequency.half_waves.values())


@layouts
@pytest.mark.parametrize("k", [1, 2, 3, 6, 11, 20])
@pytest.mark.parametrize("phase", [0.0, 0.7, np.pi / 2])
def test_waves_along_a_line_are_counted_at_any_phase_and_under_noise(layout, k, phase):
    x = layout(64, 1)[:, 0]
    wave = np.cos(np.pi * k * x + phase)
    assert found(wave, x) == found(wave + noise(x.size, 0.2), x) == found(1e-200 * wave, 5 - 30 * x, (-25, 5)) == (k,)


@pytest.mark.slow
@layouts
@pytest.mark.parametrize("k", [(3, 1), (6, 0), (0, 5), (1, 1), (7, 4), (25, 0)])
def test_waves_over_two_coordinates_are_counted_in_each(layout, k):
    points = layout(256 if max(k) < 15 else 1024, 2)
    x, t = points.T
    for wave in (np.sin(np.pi * (k[0] * x + 0.5)) * np.cos(np.pi * k[1] * t), np.cos(np.pi * (k[0] * x - k[1] * t))):
        assert found(wave, points) == found(wave + noise(x.size, 0.2), points) == k


@layouts
@pytest.mark.parametrize("k", [(2, 1, 3), (4, 0, 0), (0, 1, 2), (0, 0, 0)])
def test_waves_over_three_coordinates_are_counted_in_each(layout, k):
    points = layout(343 if layout is LAYOUTS["grid"] else 256, 3)
    wave = np.prod(np.cos(np.pi * np.array(k) * points), axis=1)
    assert found(wave, points) == found(wave + noise(len(wave), 0.1), points) == k


@pytest.mark.parametrize("d", [5, 10])
def test_many_coordinates_are_searched_where_few_vary(d):
    points = LAYOUTS["random"](200, d)
    wave = np.sin(3 * np.pi * points[:, 1]) * np.cos(np.pi * points[:, d - 1])
    assert found(wave + noise(200, 0.1), points) == tuple(3 * (j == 1) + (j == d - 1) for j in range(d))
    assert len(_wave_numbers(points)) <= MOST_CANDIDATES


def test_a_wave_between_two_numbers_of_half_waves_gets_a_neighbour():
    x = LAYOUTS["quasi-random"](256, 1)
    (frequency,) = dominant_frequencies(np.sin(5.5 * np.pi * x), x, ("x",))
    assert frequency.half_waves in ({"x": 5}, {"x": 6})
    assert_allclose(frequency.share, (np.sin(np.pi / 4) / (np.pi / 4)) ** 2, atol=0.1)


def test_without_bounds_half_waves_are_counted_over_the_extent_of_the_points():
    x = 0.2 + 0.5 * LAYOUTS["grid"](64, 1)
    wave = np.sin(12 * np.pi * x)
    assert dominant_frequencies(wave, x, ("x",))[0].half_waves == {"x": 6}
    assert dominant_frequencies(wave, x, ("x",), np.array([[0.0], [1.0]]))[0].half_waves == {"x": 12}


def test_constants_and_what_is_nearly_constant_are_constant():
    x = LAYOUTS["random"](50, 1)[:, 0]
    assert found(np.full(50, -3.0), x) == found(1 + 0.3 * np.cos(6 * np.pi * x), x) == (0,)
    assert found(0.3 + np.cos(6 * np.pi * x), x) == (6,)


@layouts
def test_chirps_and_steep_fronts_have_no_dominant_frequency(layout):
    x = layout(256, 1)[:, 0]
    assert found(np.cos(40 * np.pi * x**3), x) is None
    assert found(np.exp(-(((x - 0.3) / 0.02) ** 2)), x) is None


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 30])
def test_noise_has_a_dominant_frequency_in_one_case_of_a_hundred(n):
    rng = np.random.default_rng(n)
    frequencies = dominant_frequencies(rng.standard_normal((n, 3000)), rng.random((n, 1)), ("x",))
    assert np.mean([frequency.half_waves is not None for frequency in frequencies]) < 0.016
    assert all(frequency.share <= 1 for frequency in frequencies)


def test_the_share_is_that_of_the_variance_explained():
    x = LAYOUTS["random"](4000, 1)
    values = np.cos(4 * np.pi * x) + noise(x.shape, 0.25)
    (frequency,) = dominant_frequencies(values[:500], x[:500], ("x",))
    assert_allclose(frequency.share, 1 / 1.25, atol=0.03)


def test_of_aliases_the_fewest_half_waves_are_taken():
    grid = np.repeat(np.linspace(0, 1, 9), 7)  # repeated points
    assert found(np.cos(13 * np.pi * grid), grid) == (3,)  # 13 = 2 · 8 − 3
    clusters = np.concatenate([c + 1e-4 * np.random.default_rng(0).random(20) for c in np.linspace(0, 1, 9)])
    assert found(np.cos(3 * np.pi * clusters), clusters) == (3,)


def test_ends_of_an_interval_have_modes_without_and_with_a_half_wave():
    for points in ([0.0, 1.0], [[0.0], [1.0]]):
        assert found([1.0, 1.0], points) == (0,)
        assert found([1.0, -1.0], points) == (1,)
        assert found([1.0, 0.0], points) is None


def test_a_coordinate_that_is_the_same_everywhere_is_not_spoken_of():
    x = LAYOUTS["random"](40, 1)
    points = np.column_stack([x, np.zeros(40)])
    (frequency,) = dominant_frequencies(np.cos(2 * np.pi * x), points, ("x", "t"))
    assert frequency.half_waves == {"x": 2}
    (frequency,) = dominant_frequencies(np.ones((5, 1)), np.ones((5, 2)), ("x", "t"))
    assert (frequency.half_waves, str(frequency)) == ({}, "constant")


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_the_order_of_points_and_the_unit_of_modes_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    points, modes, order = rng.random((30, 2)), rng.standard_normal((30, 4)), rng.permutation(30)
    as_given = dominant_frequencies(modes, points, "xt")
    changed = dominant_frequencies(-1e5 * modes[order], 7 * points[order] + [1.0, -2.0], "xt")
    for a, b in zip(as_given, changed, strict=True):
        assert a.half_waves == b.half_waves
        assert_allclose(a.share, b.share, rtol=1e-9, atol=1e-12)


def test_a_mode_that_is_zero_has_no_frequency():
    (frequency,) = dominant_frequencies(np.zeros((9, 1)), np.linspace(0, 1, 9)[:, None], ("x",))
    assert frequency.half_waves is None and frequency.share <= 0


@pytest.mark.parametrize(
    ("half_waves", "text"),
    [
        ({"x": 6, "t": 1}, "about 6 half-waves in x, 1 in t"),
        ({"x": 1, "t": 6}, "about 1 half-wave in x, 6 in t"),
        ({"x": 0, "y": 0, "t": 12}, "about 12 half-waves in t, constant in x and y"),
        ({"x": 0}, "constant in x"),
        ({"x": 0, "y": 0, "t": 0}, "constant in x, y and t"),
        (None, "no dominant frequency"),
    ],
)
def test_frequencies_read_as_english(half_waves, text):
    assert str(ModeFrequency(half_waves, 0.9)) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((4, 1)), np.ones((5, 1)), ("x",)), r"shapes \(n, k\), \(n, d\), \(d,\) and \(2, d\)"),
        ((np.ones((4, 1)), np.ones((4, 2)), ("x",)), r"\(4, 1\), \(4, 2\), \(1,\) and"),
        ((np.ones((4, 1)), np.ones((4, 1)), ("x",), np.ones((1, 2))), r"and \(1, 2\)"),
        ((np.ones((4, 1)), np.eye(4, 1), ("x",), np.ones((2, 1))), "lower and an upper corner"),
        ((np.ones(4), np.ones((4, 1)), ("x",)), "`vectors` must be a matrix"),
        ((np.full((4, 1), np.nan), np.ones((4, 1)), ("x",)), "`vectors` holds 4 value"),
        ((np.ones((4, 1)), np.full((4, 1), np.inf), ("x",)), "`points` holds 4 value"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        dominant_frequencies(*arguments)


def test_modes_of_a_network_vary_faster_the_smaller_their_eigenvalues():
    """The spectral bias of Rahaman et al., ICML 2019, read off the kernel of an untrained network."""
    with jax.enable_x64(True):
        model = eqx.nn.MLP(1, 1, 32, 2, jax.nn.tanh, key=jr.key(1))
    x = np.sort(LAYOUTS["random"](80, 1), axis=0) * 2 - 1
    spectrum = NTKWrapper(model).spectrum(x, vectors=True)
    assert spectrum.eigenvectors is not None
    frequencies = dominant_frequencies(spectrum.eigenvectors[:, :7], x, ("x",))
    half_waves = [frequency.half_waves and frequency.half_waves["x"] for frequency in frequencies]
    assert None not in half_waves
    assert half_waves == sorted(half_waves)
    assert half_waves[0] == 0 and half_waves[-1] >= 4
