"""Features follow from the declaration of a problem: built-in problems have those that their equations show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import (
    Box,
    Condition,
    InputError,
    Interval,
    PointSet,
    Problem,
    Unknown,
    complementarity,
    data,
    dirichlet,
    initial,
    neumann,
)
from pinnkit.checking.features import FEATURES, feature_named, features_named, features_of
from pinnkit.checking.linearity import is_affine

KNOWN = {
    "poisson_1d": "ODE",
    "heat_robin": "time, Neumann, Robin",
    "heat_disk": "time, 2-D, shape",
    "kdv": "time, nonlinear, third order, periodic",
    "euler_bernoulli": "time, vibration, fourth order",
    "wave_lshape": "time, 2-D, vibration, shape, re-entrant corner",
    "poisson_shell": "3-D, shape, hole",
    "poisson_10d": "many dimensions",
    "disk_in_square": "2-D, system, shape, hole, interface",
    "layered_wall": "ODE, system, interface",
    "stefan": "time, nonlinear, system, moving boundary",
    "burgers_parametric": "time, nonlinear, parameters",
    "poeschl_teller": "ODE, nonlinear, integral, eigenvalue",
    "poisson_inverse": "2-D, nonlinear, system, data, unknown field",
    "rod_inverse": "time, Neumann, Robin, data, noise, unknown coefficient",
    "volterra": "ODE, integral",
    "seir": "ODE, nonlinear, system, data, CSV, noise, unknown coefficient, unknown field, units",
    "delay_logistic": "ODE, nonlinear, delay",
    "american_put": "time, nonlinear, inequality",
}

ROD = Box(x=(0.0, 1.0), t=(0.0, 1.0))


@pytest.mark.parametrize("name", KNOWN)
def test_built_in_problems_have_the_features_of_their_equations(name):
    assert ", ".join(features_named(name)) == KNOWN[name]


def rod(**conditions):
    start = {"pde": Condition(lambda u: u.t - u.xx, on=ROD.interior), "initial": initial(ROD, lambda x: x)}
    return Problem("rod", ROD, {**start, **conditions})


def test_a_slope_alone_is_a_neumann_condition_and_with_the_value_a_robin_condition():
    end = ROD.upper_face("x")
    assert "Neumann" in features_of(rod(end=neumann(end, 1.0)))
    found = features_of(rod(end=Condition(lambda u, normal: u.x * normal[0] + u**4, on=end)))
    assert "Robin" in found and "Neumann" not in found and "nonlinear" in found
    assert not {"Robin", "Neumann"} & set(features_of(rod(end=Condition(lambda u: u.t + u.x, on=end))))


def oscillator(rate, reference=lambda t, k: np.exp(-k * t)):
    time = Interval(t=(0.0, 1.0))
    conditions = {
        "ode": Condition(lambda u, k: u.t + k * u, on=time.interior),
        "start": dirichlet(time.start(), 1.0),
    }
    return Problem("decay", time, conditions, coefficients={"k": rate}, reference=reference)


def test_a_decay_is_stiff_if_it_is_fast():
    assert "stiff" in features_of(oscillator(2e3))
    assert "stiff" not in features_of(oscillator(10.0))
    assert "stiff" not in features_of(oscillator(2e3, None))


@pytest.mark.parametrize(("error", "has_noise"), [(0.0, False), (1e-3, True)])
def test_values_that_differ_from_the_reference_are_noisy(error, has_noise):
    time, t = Interval(t=(0.0, 1.0)), np.linspace(0, 1, 9)
    conditions = {
        "ode": Condition(lambda u, k: u.t + k * u, on=time.interior),
        "data": Condition(lambda u, v: u - v, on=PointSet({"t": t}, v=np.exp(-2 * t) + error)),
    }
    problem = Problem("decay", time, conditions, coefficients={"k": Unknown(1.0)}, reference=lambda t: np.exp(-2 * t))
    found = features_of(problem)
    assert "unknown coefficient" in found and "eigenvalue" not in found
    assert ("noise" in found) == has_noise


def test_a_file_and_an_inequality_are_recognised(tmp_path):
    path, line = tmp_path / "readings.csv", Interval(x=(0.0, 1.0))
    path.write_text("x,u\n0.2,1.0\n0.4,2.0\n")
    conditions = {
        "obstacle": complementarity(line.interior, lambda u: -u.xx, lambda u, x: u - x),
        "readings": data(path, line),
    }
    found = features_of(Problem("membrane", line, conditions))
    assert "CSV" in found and "data" in found and "inequality" in found
    assert not {"CSV", "inequality"} & set(features_of(oscillator(1.0)))


def test_a_delay_is_another_point_and_an_integral_many():
    time = Interval(t=(0.0, 1.0))
    of = lambda residual: features_of(Problem("p", time, {"ode": Condition(residual, on=time.interior)}))
    assert "delay" in of(lambda u, t: u.t + u(t=t / 2))
    found = of(lambda u, t: u.t - jnp.mean(u(t=t * np.linspace(0, 1, 5)).value))
    assert "integral" in found and "delay" not in found


@pytest.mark.parametrize(
    ("residual", "expected"),
    [
        (lambda u, x: u.xx + jnp.exp(x) * u.x - jnp.sin(x), True),
        (lambda u, x: u.xx - u(x=1 - x), True),
        (lambda u: u.xx + jnp.sin(u), False),
        (lambda u: u * u.x, False),
        (lambda u: 400.0 * u.xx - 5.67e-8 * u**4, False),
        (lambda u: 2e11 * (u.xx - 0.3 * u.x) + 8e10 * u.xx, True),
        (lambda u, x: u.x - jnp.where(x < 0.7, u, u**2), False),
    ],
)
def test_affine_equations_are_recognised(residual, expected):
    line = Interval(x=(0.0, 1.0))
    problem = Problem("line", line, {"pde": Condition(residual, on=line.interior)})
    with jax.enable_x64(True):
        assert is_affine(problem.equation("pde"), 1) is expected


def test_features_are_found_by_name_in_any_letters():
    assert all(feature_named(feature.name.lower().replace(" ", "-")) is feature for feature in FEATURES)
    with pytest.raises(
        InputError, match=r"no feature 'robbin'. Did you mean 'Robin'\? Available: ODE, time, .*, units"
    ):
        feature_named("robbin")
