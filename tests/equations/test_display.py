"""Problems are shown with their equations as traced."""

import math

import jax
import jax.numpy as jnp
import pytest

from pinnkit import Box, Condition, Disk, PointSet, Problem, Unknown, div, laplacian, partial
from pinnkit.equations.formulas.formula import Name, Number
from pinnkit.equations.formulas.reading import formulas
from pinnkit.equations.formulas.rendering import Latex, Text
from pinnkit.equations.names import arguments_of
from pinnkit.equations.symbols import Frame
from pinnkit.equations.trace import Equation

from ..problems_for_tests import stokes

FRAME = Frame(("x", "t"), ("x",), {"u": 1, "v": 2}, ("nu", "c"), ("measured",), has_normal=True)


def rendered(residual, render):
    with jax.enable_x64(True):
        equation = Equation(residual, FRAME, arguments_of(residual, FRAME, "a test", "residual"))
        return [render(formula) for formula in formulas(equation, FRAME.coordinates)]


@pytest.mark.parametrize(
    ("residual", "text", "latex"),
    [
        (lambda u, nu: u.t + u * u.x - nu * u.xx, "u_t + u u_x − ν u_xx", r"{u}_{t} + u\, {u}_{x} - \nu\, {u}_{xx}"),
        (lambda u: -(u - 2 * u.x), "−u + 2 u_x", r"-u + 2\, {u}_{x}"),
        (lambda u, x: u.x * 3 - jnp.pi**2 * jnp.sin(2 * jnp.pi * x), "3 u_x − π² sin(2 π x)", None),
        (lambda u: (u + 1) ** 2 / (u - 1), "(u + 1)²/(u − 1)", r"\frac{{\left(u + 1\right)}^{2}}{u - 1}"),
        (lambda u, nu: partial(nu * u.x, "x", 2), "∂xx(ν u_x)", r"\partial_{xx} \left(\nu\, {u}_{x}\right)"),
        (lambda u: partial(u, "x") + partial(u.t, "x"), "u_x + u_xt", None),
        (lambda v, u: div(v, over=("x", "t")) + laplacian(u), "v[0]_x + v[1]_t + u_xx", None),
        (lambda v, normal: v.value @ normal, "v[0] n[0] + v[1] n[1]", r"{v}_{0}\, {n}_{0} + {v}_{1}\, {n}_{1}"),
        (lambda u, measured: u - measured, "u − measured", r"u - \mathrm{measured}"),
        (lambda u, x: u(x=1 - x).x + u(t=0.0), "u_x(x = 1 − x) + u(t = 0)", None),
        (lambda u, x: jnp.where(x > 0.5, u, -u), "where(x > 0.5, u, −u)", None),
        (lambda u: jnp.abs(u) + jnp.sqrt(u) + jnp.tanh(u), "|u| + sqrt(u) + tanh(u)", None),
        (lambda u: 0.0 * u.x + 1.0 * u - 0, "u", "u"),
        (lambda u: u**0.5 + u**-1 + 2.5e-7, "u^0.5 + u⁻¹ + 2.5e-7", None),
        (lambda u: u * (-1.0) * (-u), "u u", None),
        (lambda u, x: u - jnp.sum(jax.lax.iota(jnp.result_type(float), 3) * x), "u − x − 2 x", None),
    ],
)
def test_formulas_look_like_what_was_written(residual, text, latex):
    assert rendered(residual, Text()) == [text]
    if latex is not None:
        assert rendered(residual, Latex()) == [latex]


@pytest.mark.parametrize(
    ("value", "text"),
    [(2, "2"), (math.pi, "π"), (math.pi / 2, "π/2"), (4 * math.pi**2, "4 π²"), (3.14159, "3.14159"), (1e-12, "1e-12")],
)
def test_numbers_have_few_digits_and_pi_has_its_name(value, text):
    assert Text()(Number(value)) == text
    assert Text()(Number(-value)) == f"−{text}"


def test_latex_names_are_letters_words_and_greek():
    names = {name: Latex()(Name(name)) for name in ("k", "rho", "nu_1", "k_eff", "temperature")}
    expected = (r"k", r"\rho", r"\nu_{\mathrm{1}}", r"\mathrm{k\_eff}", r"\mathrm{temperature}")
    assert tuple(names.values()) == expected


def test_problems_show_equations_places_and_coefficients():
    domain = Box(x=(0.0, 0.5), t=(0.0, 2.0))
    rod = Problem(
        name="rod",
        domain=domain,
        fields=("T",),
        coefficients={"rho": 2.0, "k": Unknown(5.0)},
        conditions={
            "heat": Condition(lambda T, rho, k: rho * T.t - k * T.xx, on=domain.interior),
            "ends": Condition(lambda T: T, on=domain.boundary("x")),
            "initial": Condition(lambda T, x: T - x, on=domain.start()),
            "data": Condition(lambda T, m: T - m, on=PointSet({"x": [0.1, 0.2], "t": 1.0}, m=[1.0, 2.0])),
        },
    )
    assert repr(rod).splitlines() == [
        "Problem 'rod' for T(x, t) with ρ = 2, k unknown (from 5)",
        "  heat:    ρ T_t − k T_xx = 0  on 0 < x < 0.5, 0 < t < 2",
        "  ends:    T = 0  at x = 0, x = 0.5",
        "  initial: T − x = 0  at t = 0",
        "  data:    T − m = 0  at 2 points",
    ]
    latex = rod._repr_latex_()
    assert latex.startswith("$$\\begin{aligned}\n\\rho\\, {T}_{t} - k\\, {T}_{xx} &= 0 && \\text{on}\\; 0 < x < 0.5")


def test_rows_of_a_vector_equation_have_a_line_each():
    lines = repr(stokes()).splitlines()
    assert lines[1:3] == [
        "  momentum: −velocity[0]_xx − velocity[0]_yy + p_x − 3 = 0  on 0 < x < 1, 0 < y < 1",
        "            −velocity[1]_xx − velocity[1]_yy + p_y = 0  on 0 < x < 1, 0 < y < 1",
    ]


def test_places_have_the_names_of_numbers_and_of_the_boundary():
    square = Box(x=(0.0, 2 * math.pi), y=(-1.0, 1.0))
    problem = Problem(
        "square",
        square,
        {
            "pde": Condition(lambda u: u.xx, on=square.interior),
            "walls": Condition(lambda u: u, on=square.boundary()),
            "gauge": Condition(lambda u: u, on=PointSet({"x": 0.5, "y": -1.0})),
        },
    )
    lines = [line.split("= 0  ")[1] for line in repr(problem).splitlines()[1:]]
    assert lines == ["on 0 < x < 2 π, −1 < y < 1", "on the boundary", "at x = 0.5, y = −1"]


def test_long_formulas_and_many_rows_are_cut_off():
    line = Box(x=(0.0, 1.0))
    long = Problem(
        "long",
        line,
        {
            "pde": Condition(lambda u: sum(u.d("x", k) * u for k in range(1, 40)), on=line.interior),
            "rows": Condition(lambda u, x: [u - k * x for k in range(9)], on=line.interior),
        },
    )
    lines = repr(long).splitlines()
    assert all(len(text) < 200 for text in lines) and "…" in lines[1]
    assert lines[-1].strip() == "... and 3 more"


def test_places_on_shapes_are_named_by_their_parts():
    plate = (Box(x=(0.0, 1.0), y=(0.0, 1.0)) - Disk(radius=0.2, x=0.5, y=0.5).named("hot_hole")).over(t=(0.0, 2.0))
    problem = Problem(
        name="plate",
        domain=plate,
        conditions={
            "pde": Condition(lambda u: u.t - u.xx - u.yy, on=plate.interior),
            "hole": Condition(lambda u: u - 1.0, on=plate.boundary("hot_hole", "left")),
            "start": Condition(lambda u: u, on=plate.start()),
        },
    )
    text = repr(problem)
    assert "inside the shape, 0 < t < 2" in text and "inside the shape, t = 0" in text
    assert "on left, hot_hole, 0 < t < 2" in text
    assert r"\text{on left, hot\_hole}" in problem._repr_latex_()
