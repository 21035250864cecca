"""Stiff kinetics, waves, many dimensions, an eigenfunction: what took special care, against references."""

import pytest

import pinnkit
from pinnkit.equations.registry import find_problem

pytestmark = pytest.mark.slow

LARGEST_ERRORS = {
    "robertson": 1e-8,
    "van_der_pol": 1e-5,
    "lorenz": 1e-7,
    "klein_gordon": 1e-10,
    "sine_gordon": 1e-8,
    "kuramoto_sivashinsky": 1e-7,
    "poisson_5d_cos": 1e-12,
    "poisson_2d_multiscale": 1e-6,
    "poeschl_teller": 1e-4,
}


@pytest.mark.parametrize("name", LARGEST_ERRORS)
def test_it_is_solved_without_tuning(name):
    errors = pinnkit.fit(find_problem(name)).summary.relative_l2
    assert max(errors.values()) < LARGEST_ERRORS[name], errors
