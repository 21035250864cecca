"""Problems whose conditions do not fit together at an edge, against closed forms."""

import numpy as np
import pytest
from scipy.special import erfc

import pinnkit
from pinnkit import Box, Choices, Condition, Problem, laplacian
from pinnkit.automatic.time_marching.marching import find_marching
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.runs.decisions import SinesAroundCorners

FEW = Choices(unknowns=(500,), bandwidth=3.0)
rod = Box(x=(0.0, 1.0), t=(0.0, 1.0))


def quenched(x, t, k):
    """Temperature 1 at the start, 0 at both ends: images of the half line, which converge fast for k t up to 0.1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one = lambda x: 1 - erfc(x / np.sqrt(4 * k * t))
        value = sum((-1) ** n * (one(n + x) + one(n + 1 - x) - 1) for n in range(9))
    return np.where(t > 0, value, np.where((x > 0) & (x < 1), 1.0, np.nan))


def heated(x, t, k):
    """Zero at the start, a flux of 1 into the left end, none at the right one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = lambda y: y / np.sqrt(4 * k * t)
        one = lambda y: 2 * np.sqrt(t / (np.pi * k)) * np.exp(-(z(y) ** 2)) - y / k * erfc(z(y))
        value = sum(one(2 * n + x) + one(2 * n + 2 - x) for n in range(6))
    return np.where(t > 0, value, 0.0)


def heat(initial, ends, reference):
    return Problem(
        name="heat",
        domain=rod,
        coefficients={"k": 0.1},
        conditions={
            "pde": Condition(lambda u, k: u.t - k * u.xx, on=rod.interior),
            "start": Condition(initial, on=rod.start()),
            **ends,
        },
        reference=reference,
    )


def solved(problem):
    solution = pinnkit.fit(problem, choices=FEW, steps=20)
    return solution, max((solution.summary.relative_l2 or {"u": np.nan}).values())


@pytest.mark.slow
def test_a_rod_that_is_quenched_is_solved_to_four_digits():
    problem = heat(lambda u: u - 1.0, {"ends": Condition(lambda u: u, on=rod.boundary("x"))}, quenched)
    solution, error = solved(problem)
    assert error < 1e-4  # 8e-2 without features around the edges
    assert np.isfinite(solution(x=np.array([0.0, 1.0]), t=np.array([0.0, 0.0]))).all()
    assert find_marching(find_ansatz(problem)) is None


@pytest.mark.slow
def test_a_flux_that_sets_in_at_once_is_solved():
    ends = {
        "hot": Condition(lambda u, k: k * u.x + 1.0, on=rod.boundary("left")),
        "insulated": Condition(lambda u: u.x, on=rod.boundary("right")),
    }
    assert solved(heat(lambda u: u, ends, heated))[1] < 1e-5


@pytest.mark.slow
def test_the_corners_of_a_square_limit_the_digits_unless_sines_go_around_them():
    square = Box(x=(0.0, 1.0), y=(0.0, 1.0))

    def membrane(x, y):
        n = np.arange(1, 200, 2).reshape(-1, *[1] * np.ndim(x))
        shape = np.exp(-np.pi * n * y) + np.exp(-np.pi * n * (1 - y))
        exact = 4 / (np.pi * n) ** 3 * shape / (1 + np.exp(-np.pi * n)) * np.sin(np.pi * n * x)
        return x * (1 - x) / 2 - exact.sum(axis=0)

    problem = Problem(
        name="membrane",
        domain=square,
        conditions={
            "pde": Condition(lambda u: laplacian(u) + 1.0, on=square.interior),
            "rim": Condition(lambda u: u, on=square.boundary()),
        },
        reference=membrane,
    )
    solution, error = solved(problem)
    (chosen,) = [d for d in solution.history.decisions if isinstance(d, SinesAroundCorners)]
    assert chosen.is_chosen and chosen.loss < 1e-4 * chosen.without
    assert error < 2e-6  # the reference: the sum of 100 terms


@pytest.mark.slow
def test_a_solution_with_sines_around_corners_is_loaded_again_and_started_from(tmp_path):
    problem = heat(lambda u, x: u - x * (1 - x), {"ends": Condition(lambda u: u, on=rod.boundary("x"))}, None)
    solution, _ = solved(problem)
    solution.save(tmp_path / "run")
    again = pinnkit.load(tmp_path / "run", problem)
    x, t = np.linspace(0, 1, 7), np.full(7, 0.3)
    assert solution.run.config["edges"] is True
    np.testing.assert_array_equal(again(x=x, t=t), solution(x=x, t=t))
    warm = pinnkit.fit(problem.with_coefficients(k=0.1), choices=FEW, steps=20, start=solution)
    assert warm.run.config["edges"] is True
    np.testing.assert_allclose(warm(x=x, t=t), solution(x=x, t=t), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("lid_driven_cavity", 1e-4), ("lid_driven_cavity_smooth", 1e-4)])
def test_a_cavity_is_solved_to_four_digits(name, most):
    from pinnkit.equations.registry import find_problem

    solution = pinnkit.fit(find_problem(name), budget=200)
    assert max(solution.summary.relative_l2.values()) < most
