"""Shapes inside curves given by formulas, points and levels; those of `shapes.PLANE` are tested with the others."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline

from pinnkit import Box, Disk, Implicit, Outline

from .shapes import sample

SQUARE = {"x": (-1.5, 1.5), "y": (-1.5, 1.5)}


def circle(s):
    return np.cos(2 * np.pi * s), np.sin(2 * np.pi * s)


def airfoil(count=41):
    """NACA 0012 with a sharp trailing edge, from there over the upper side and back."""
    x = (1 + np.cos(np.linspace(0, 2 * np.pi, count)[:-1])) / 2
    y = 0.6 * (0.2969 * np.sqrt(x) - 0.126 * x - 0.3516 * x**2 + 0.2843 * x**3 - 0.1036 * x**4)
    return np.stack([x, np.where(np.arange(count - 1) < count // 2, y, -y)], axis=-1)


def test_an_airfoil_is_a_spline_through_its_points():
    points = airfoil()
    shape = Outline(points, corners=[0])
    assert np.abs(shape.signed_distance(points)).max() <= 1e-13
    closed = np.vstack([points, points[:1]])
    knots = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1)))
    spline = CubicSpline(knots, closed, bc_type="not-a-knot")
    velocity = spline.derivative()
    integral = lambda f: sum(quad(f, a, b, epsabs=1e-13)[0] for a, b in zip(knots, knots[1:], strict=False))
    length = integral(lambda t: np.hypot(*velocity(t)))
    area = integral(lambda t: spline(t)[0] * velocity(t)[1])
    np.testing.assert_allclose([shape.measure, shape.parts["outline"]], [area, length], rtol=1e-11)
    beside = np.array([[1.001, 0.0], [1.001, 1e-4], [0.999, 1e-5], [0.999, 1e-3], [0.999, -1e-3], [0.5, 0.0]])
    np.testing.assert_array_equal(shape.contains(beside), [False, False, True, False, False, True])


def test_a_curve_may_run_either_way_and_have_corners():
    drop = lambda s: (np.sin(2 * np.pi * s), np.sin(np.pi * s) ** 2)
    backwards = lambda s: drop(1 - s)
    np.testing.assert_allclose(Outline(circle).measure, np.pi, rtol=1e-14)
    np.testing.assert_allclose(Outline(lambda s: circle(1 - s)).measure, np.pi, rtol=1e-14)
    np.testing.assert_allclose(Outline(drop).measure, Outline(backwards).measure, rtol=1e-13)
    triangle = lambda s: (np.interp(s, [0, 0.3, 0.6, 1], [0, 2, 0, 0]), np.interp(s, [0, 0.3, 0.6, 1], [0, 0, 1, 0]))
    found = Outline(triangle, corners=(0.3, 0.6))
    np.testing.assert_allclose([found.measure, found.parts["outline"]], [1.0, 3 + np.sqrt(5.0)], rtol=1e-13)


def test_an_implicit_shape_is_that_of_its_primitives():
    ellipse = Implicit(lambda x, y: x**2 + 4 * y**2 - 1, **SQUARE)
    np.testing.assert_allclose(ellipse.measure, np.pi / 2, rtol=1e-13)
    x, normals = sample(ellipse.boundary(), 200)
    assert np.abs(x[:, 0] ** 2 + 4 * x[:, 1] ** 2 - 1).max() <= 1e-12
    expected = x * [1, 4] / np.linalg.norm(x * [1, 4], axis=1, keepdims=True)
    np.testing.assert_allclose(normals, expected, atol=1e-11)
    cut = ellipse & Box(x=(0.0, 1.5), y=(-1.0, 1.0))
    np.testing.assert_allclose([cut.measure, cut.parts["left"]], [np.pi / 4, 1.0], rtol=1e-12)


def test_two_pieces_of_an_implicit_shape():
    pair = Implicit(lambda x, y: ((x - 0.7) ** 2 + y**2 - 0.09) * ((x + 0.7) ** 2 + y**2 - 0.16), **SQUARE)
    np.testing.assert_allclose([pair.measure, pair.parts["level"]], [0.25 * np.pi, 1.4 * np.pi], rtol=1e-12)


def test_a_finer_description_of_a_curve_is_the_same_curve():
    """A circle by one formula, by corners where there are none, and as a disk."""
    for other in (Outline(circle, corners=(0.1, 0.37)), Disk(1.0)):
        a, b = Outline(circle), other
        np.testing.assert_allclose([a.measure, *a.parts.values()], [b.measure, *b.parts.values()], rtol=1e-13)
        np.testing.assert_allclose(sample(a.interior, 64)[0], sample(b.interior, 64)[0], atol=1e-12)


REFUSED = {
    "open": (lambda: Outline(lambda s: (s, s**2)), r"not closed: it starts at \(0, 0\) and ends at \(1, 1\)"),
    "eight": (lambda: Outline(lambda s: (np.sin(2 * np.pi * s), np.sin(4 * np.pi * s + 1))), "must not cross or touch"),
    "NaN": (lambda: Outline(lambda s: (np.cos(2 * np.pi * s), np.log(s - 0.5) * np.sin(2 * np.pi * s))), "not finite"),
    "corner": (
        lambda: Outline(lambda s: (np.interp(s, [0, 0.3, 1], [0, 1, 0]), np.sin(2 * np.pi * s))),
        r"not smooth near s = 0.3; .*corners=\(0.3,\)",
    ),
    "one value": (lambda: Outline(lambda s: s), "takes an array and returns two"),
    "two points": (lambda: Outline([(0, 0), (1, 1)]), "three or more"),
    "corner of a point": (lambda: Outline(airfoil(), corners=[99]), "numbers of its 40 points"),
    "crossing spline": (lambda: Outline([(0, 0), (1, 1), (1, 0), (0, 1)]), "must not cross or touch"),
    "nowhere": (lambda: Implicit(lambda x, y: x**2 + y**2 + 1, **SQUARE), "negative nowhere"),
    "at the bounds": (lambda: Implicit(lambda x, y: x + y, **SQUARE), "negative at the bounds"),
    "infinite": (lambda: Implicit(lambda x, y: jnp.log(x) + y, **SQUARE), "not finite"),
    "flat": (lambda: Implicit(lambda x, y: (x**2 + y**2 - 1) ** 3, **SQUARE), "gradient|to rounding"),
    "other arguments": (lambda: Implicit(lambda r: r, **SQUARE), "takes the coordinates"),
    "one coordinate": (lambda: Implicit(lambda x: x, x=(0.0, 1.0)), "two or three coordinates"),
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_invalid_shapes_are_refused_in_one_line(name):
    declare, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        declare()
    assert "\n" not in str(raised.value)
