"""Sines on a lattice, and the products of moments and places on which they are fitted."""

import numpy as np
import pytest

from pinnkit import Box, Interval
from pinnkit.automatic.time_marching.collocation import MOMENTS, MomentsAndPlaces
from pinnkit.automatic.time_marching.lattice import TIME_SPACING, extension, lattice, reach_of, spacing_of


def design(frequency, phase, z):
    """Values of the sines and of a constant, as columns."""
    return np.column_stack([np.sin(z @ frequency.T + phase), np.ones(len(z))])


def error_of(frequency, phase, z, values):
    matrix = design(frequency, phase, z)
    return np.abs(matrix @ np.linalg.lstsq(matrix, values, rcond=1e-15)[0] - values).max()


def test_a_periodic_lattice_spans_the_trigonometric_polynomials():
    frequency, phase = lattice(2 * 8, [30.0], [spacing_of(30.0, periodic=True)])
    assert np.linalg.matrix_rank(design(frequency, phase, np.linspace(-1, 1, 99)[:, None])) == 17
    np.testing.assert_allclose(np.unique(frequency), np.pi * np.arange(1, 9))


@pytest.mark.parametrize(("sines", "error"), [(20, 1e-3), (40, 1e-9), (80, 1e-12)])
def test_functions_that_are_not_periodic_are_represented_with_spectral_accuracy(sines, error):
    z = np.linspace(-1, 1, 999)[:, None]
    reach = reach_of(sines / 2, periodic=False)
    frequency, phase = lattice(sines, [reach], [spacing_of(reach, periodic=False)])
    assert np.abs(frequency).max() == pytest.approx(reach)
    assert error_of(frequency, phase, z, np.exp(z[:, 0]) * np.sin(7 * z[:, 0])) < error


def test_the_more_waves_the_shorter_is_their_period():
    assert extension(4) == 2.0 > extension(20) > extension(50) > extension(200) > 1.0


def test_sines_of_low_frequency_are_nearly_polynomials_in_time():
    """Nine functions represent any polynomial of degree 8, up to a small part of its highest power."""
    s = np.linspace(-1, 1, 99)[:, None]
    frequency, phase = lattice(8, [4 * TIME_SPACING], [TIME_SPACING], time=0)
    for degree, error in ((1, 1e-6), (4, 1e-5), (8, 1e-3)):
        assert error_of(frequency, phase, s, s[:, 0] ** degree) < error


def test_the_width_goes_into_space_and_products_are_complete():
    reach, spacing = [20.0, 2.0], [np.pi, TIME_SPACING]
    frequency, phase = lattice(9 * 21 - 1, reach, spacing, time=1)
    assert len(frequency) == len(phase) == 188
    assert np.abs(frequency).max(axis=0).tolist() == [10 * np.pi, 2.0]
    z = 2 * np.random.default_rng(0).random((400, 2)) - 1
    product = np.cos(10 * np.pi * z[:, 0]) * np.cos(2.0 * z[:, 1])
    assert error_of(frequency, phase, z, product) < 1e-10


def test_a_plane_gets_more_waves_where_values_vary_faster():
    frequency, _ = lattice(500, [30.0, 10.0, 1.0], [np.pi, np.pi, TIME_SPACING], time=2)
    most_x, most_y, most_t = np.abs(frequency).max(axis=0)
    assert most_x == pytest.approx(3 * most_y, rel=0.5) and most_t == 1.0


def test_points_are_products_of_moments_and_places():
    box = Box(x=(0.0, 1.0), t=(0.0, 1.0))
    for periodic in ((), ("x",)):
        layout = MomentsAndPlaces(periodic=periodic).layout(box.interior, 260, 0)
        assert layout.shape == (260, 2) and (layout > 0).all() and (layout < 1).all()
        assert len(np.unique(layout[:, 1])) == MOMENTS and len(np.unique(layout[:, 0])) == 20
    equal = np.unique(layout[:, 0])
    np.testing.assert_allclose(np.diff(equal), 1 / 20)
    on_a_wall = MomentsAndPlaces().layout(box.boundary("x"), 16, 0)
    assert on_a_wall.shape == (16, 1) and len(np.unique(on_a_wall)) == 16


def test_in_time_alone_and_in_a_plane_points_are_products_too():
    assert len(np.unique(MomentsAndPlaces().layout(Interval(t=(0.0, 1.0)).interior, 40, 0))) == 40
    box = Box(x=(0.0, 1.0), t=(0.0, 1.0), y=(0.0, 1.0))
    layout = MomentsAndPlaces().layout(box.interior, 13 * 32, 0)
    assert layout.shape == (416, 3)
    assert len(np.unique(layout[:, 1])) == MOMENTS and len(np.unique(layout[:, [0, 2]], axis=0)) == 32


def test_sums_over_points_are_integrals_of_products_of_sines():
    """Columns that are orthogonal on the domain are so on the points."""
    box = Box(x=(-1.0, 1.0), t=(-1.0, 1.0))
    unit = MomentsAndPlaces(periodic=("x",)).layout(box.interior, 13 * 40, 0)
    z = 2 * unit - 1
    waves = np.column_stack([np.sin(np.pi * m * z[:, 0]) * np.cos(z[:, 1]) for m in range(1, 14)])
    gram = waves.T @ waves / len(z)
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-14)
