"""How often equations are traced."""

import collections
import dataclasses
import functools

import jax
import jax.numpy as jnp
import pytest

from pinnkit import Condition
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.mlp import MLP
from pinnkit.residuals.functions import ResidualFunctions
from problems.flow.kovasznay import kovasznay


@pytest.fixture
def traces():
    """How often the equation of each condition was traced in each precision."""
    return collections.Counter()


def counting(problem, traces):
    """The same problem, whose equations count their traces."""

    def counted(name, residual):
        @functools.wraps(residual)
        def traced(**arguments):
            traces[name, str(jnp.result_type(float))] += 1
            return residual(**arguments)

        return traced

    conditions = {name: Condition(counted(name, c.residual), on=c.on) for name, c in problem.conditions.items()}
    return dataclasses.replace(problem, conditions=conditions)


@pytest.mark.slow
def test_every_equation_is_traced_once_in_each_precision(traces):
    problem = counting(kovasznay, traces)
    for precision in (True, False):
        with jax.enable_x64(precision):
            ansatz = find_ansatz(problem)
            network = as_functional(MLP(problem.domain, 3, 8, 2), 2)
            residuals = ResidualFunctions(ansatz.remaining, ansatz.wrap(network))
            points = {
                name: condition.on.points(jnp.full((4, condition.on.dimension), 0.5))
                for name, condition in ansatz.remaining.conditions.items()
            }
            jax.eval_shape(residuals, residuals.initial_params(network.params), points)
    assert set(traces.values()) == {1} and {name for name, _ in traces} == set(problem.conditions)


def test_variants_of_a_problem_share_its_traces(traces):
    problem = counting(kovasznay, traces)
    name = next(iter(problem.conditions))
    assert problem.restricted_to([name]).equation(name) is problem.equation(name)
    coefficient = next(iter(problem.constants))
    problem.with_coefficients(**{coefficient: 50.0})
    assert set(traces.values()) == {1}
