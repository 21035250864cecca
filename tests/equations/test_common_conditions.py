"""Common conditions: each has the residual that one writes by hand, and solves its problem."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import (
    Box,
    Condition,
    InputError,
    Interval,
    Problem,
    ProblemError,
    complementarity,
    data,
    dirichlet,
    initial,
    integral,
    interface,
    neumann,
    robin,
)
from pinnkit.equations.symbols import Symbol

SQUARE = Box(x=(0.0, 1.0), y=(0.0, 2.0))
SPACE_TIME = Box(x=(0.0, 2.0), t=(0.0, 1.0))
KEYS = jax.random.key(0)


def residual_of(condition, domain, fields=("u",), coefficients=None):
    """The residual of a condition at one point, with values for all symbols that only depend on their names."""
    problem = Problem("p", domain, {"c": condition}, fields=fields, coefficients=coefficients or {})
    equation = problem.equation("c")
    number = lambda symbol: (hash_of(symbol) % 1000) / 300 - 1

    def value(symbol):
        if symbol.kind == "normal":
            return jnp.arange(1.0, domain.dimension + 1)
        size = problem.field_sizes.get(symbol.name, 1)
        return jnp.asarray(number(symbol) if size == 1 else number(symbol) + np.arange(size))

    elsewhere = lambda symbol, point: sum(point) * (1 + sum(symbol.orders))
    return np.asarray(equation({symbol: value(symbol) for symbol in equation.symbols}, elsewhere))


def hash_of(symbol):
    return sum(ord(letter) * 7**i for i, letter in enumerate(f"{symbol.kind}{symbol.name}{symbol.orders}"))


WALL, RIGHT = SQUARE.boundary(), SQUARE.upper_face("x")
LAYERS = {"fields": ("a", "b"), "coefficients": {"k": 2.0}}
PAIRS = {
    "dirichlet": (dirichlet(WALL, 3.0), lambda u: u - 3.0, SQUARE, {}),
    "dirichlet of a function": (
        dirichlet(WALL, lambda x, k: k * jnp.sin(x), "a"),
        lambda a, x, k: a - k * jnp.sin(x),
        SQUARE,
        LAYERS,
    ),
    "dirichlet of a vector": (
        dirichlet(WALL, [1.0, 2.0], "v"),
        lambda v: [v[0] - 1.0, v[1] - 2.0],
        SQUARE,
        {"fields": {"v": 2}},
    ),
    "neumann": (neumann(RIGHT, lambda y: y), lambda u, y, normal: u.x * normal[0] + u.y * normal[1] - y, SQUARE, {}),
    "neumann in time": (neumann(SPACE_TIME.boundary("x")), lambda u, normal: u.x * normal[0], SPACE_TIME, {}),
    "robin": (
        robin(RIGHT, 2.0, lambda k: k, 5.0, "b"),
        lambda b, k, normal: 2 * b + k * (b.x * normal[0] + b.y * normal[1]) - 5.0,
        SQUARE,
        LAYERS,
    ),
    "interface": (
        interface(RIGHT, "a", "b", lambda k, a: k * (1 + a**2), 3.0),
        lambda a, b, k, normal: [
            a - b,
            k * (1 + a**2) * (a.x * normal[0] + a.y * normal[1]) - 3 * (b.x * normal[0] + b.y * normal[1]),
        ],
        SQUARE,
        LAYERS,
    ),
    "initial": (
        initial(SPACE_TIME, lambda x: x**2, velocity=1.0),
        lambda u, x: [u - x**2, u.t - 1.0],
        SPACE_TIME,
        {},
    ),
    "complementarity": (
        complementarity(SQUARE.interior, lambda u, x: u - x, lambda u: -u.xx - u.yy, smoothing=0.1),
        lambda u, x: u - x - u.xx - u.yy - jnp.sqrt((u - x) ** 2 + (u.xx + u.yy) ** 2 + 0.02),
        SQUARE,
        {},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.usefixtures("x64")
def test_it_is_short_for_the_residual_by_hand(name):
    short, long, domain, rest = PAIRS[name]
    by_hand = residual_of(Condition(long, on=short.on), domain, **rest)
    np.testing.assert_allclose(residual_of(short, domain, **rest), by_hand, rtol=1e-14, atol=1e-14)


@pytest.mark.usefixtures("x64")
def test_an_integral_is_exact_for_polynomials():
    """The field elsewhere is the sum of its coordinates."""
    density = lambda u: u**2
    plane = residual_of(integral(SQUARE, 1.0, density, nodes=4), SQUARE)
    np.testing.assert_allclose(plane, [2 * (1 / 3 + 1 / 2 * 2 + 4 / 3) - 1], rtol=1e-13)
    line = Problem("p", SPACE_TIME, {"c": integral(SPACE_TIME, lambda t: t)})
    equation, t = line.equation("c"), 0.25
    values = {Symbol("coordinate", name): jnp.asarray({"x": 0.0, "t": t}[name]) for name in "xt"}
    found = equation({s: values[s] for s in equation.symbols}, lambda symbol, point: point[0] + point[1])
    np.testing.assert_allclose(found, [2 + 2 * t - t], rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_complementarity_holds_where_one_side_is_zero():
    line = Interval(x=(0.0, 1.0))
    condition = complementarity(line.interior, lambda u: u, lambda x: x)
    equation = Problem("p", line, {"c": condition}).equation("c")
    at = lambda u, x: float(
        equation({s: jnp.asarray({"u": u, "x": x}[s.name]) for s in equation.symbols}, lambda *_: None)[0]
    )
    assert abs(at(0.0, 0.7)) < 1e-11 and abs(at(0.3, 0.0)) < 1e-11
    assert at(-0.1, 0.7) < -0.1 and at(0.3, 0.4) > 0.1


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "measured.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.usefixtures("x64")
def test_data_are_the_points_and_values_of_a_file(table):
    path = table("time, x,temperature,note\n0.1,0.5,300.5,a\n\n0.2,1.5,301.5,b\n")
    condition = data(path, SPACE_TIME, ("T",), {"t": "time", "T": "temperature"})
    np.testing.assert_array_equal(condition.on.values, [[0.5, 0.1], [1.5, 0.2]])
    np.testing.assert_array_equal(condition.on.data["T_measured"], [300.5, 301.5])
    by_hand = Condition(lambda T, T_measured: T - T_measured, on=condition.on)
    assert residual_of(condition, SPACE_TIME, ("T",)) == residual_of(by_hand, SPACE_TIME, ("T",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no column\(s\) \['x', 't', 'u'\]; its header is \[\]"),
        ("x,t\n1,2\n", r"no column\(s\) \['u'\]; its header is \['x', 't'\]"),
        ("x,t,u\n", "a header but no rows"),
        ("x,t,u\n1,0,2\n1,0,high\n", "row 2 of .* has 'high' in column 3"),
        ("x,t,u\n1,0\n", "row 1 of .* has nothing in column 3"),
        ("x,t,u\n1,nan,1\n", "row 1 of .* has 'nan' in column 2"),
    ],
)
def test_a_file_that_does_not_hold_the_data_is_refused(table, text, message):
    with pytest.raises(InputError, match=message):
        data(table(text), SPACE_TIME)


def test_invalid_arguments_are_refused(tmp_path, table):
    with pytest.raises(InputError, match="cannot be read as CSV"):
        data(tmp_path / "none.csv", SPACE_TIME)
    with pytest.raises(InputError, match=r"renames \['T'\]"):
        data(table("x,t,u\n1,0,2\n"), SPACE_TIME, columns={"T": "u"})
    with pytest.raises(ProblemError, match="named t or time"):
        initial(SQUARE)
    with pytest.raises(ProblemError, match="number > 0, got 0"):
        complementarity(SQUARE.interior, 1.0, 1.0, smoothing=0)
    with pytest.raises(ProblemError, match="nodes in all"):
        integral(SQUARE, 0.0, nodes=1000)
    with pytest.raises(ProblemError, match="unknown argument 'T'"):
        Problem("p", SQUARE, {"c": dirichlet(WALL, field="T")})
    with pytest.raises(ProblemError, match="holds on a region"):
        dirichlet(SQUARE)  # pyright: ignore


def test_a_problem_of_common_conditions_is_solved():
    """A rod that is heated and loses heat at its right end: T'' = −1, T(0) = 0, T + T' = 0 at 1."""
    rod = Interval(x=(0.0, 1.0))
    conditions = {
        "heat": Condition(lambda T: T.xx + 1.0, on=rod.interior),
        "left": dirichlet(rod.lower_face("x"), field="T"),
        "right": robin(rod.upper_face("x"), 1.0, 1.0, field="T"),
    }
    problem = Problem("rod", rod, conditions, fields=("T",), reference=lambda x: 0.75 * x - x**2 / 2)
    found = pinnkit.fit(problem, strategy="gauss-newton", steps=20, points=20, width=8, depth=1)
    assert found.summary.relative_l2["T"] < 1e-4
