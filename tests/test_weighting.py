"""Loss weights from the kernel and from gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import GradientNormWeighting, NTKWeighting, ProblemError
from pinnkit.linearization import block_traces
from pinnkit.weighting import fixed_weights

from .problems_for_tests import poisson
from .test_linearization import prepared

pytestmark = pytest.mark.usefixtures("x64")


def test_trace_rule_balances_the_traces_and_keeps_their_sum():
    residuals, params, batch, _ = prepared(poisson())
    rule = NTKWeighting()
    weights, _ = rule.update(residuals, params, batch, rule.init(residuals.conditions))
    traces = block_traces(residuals, params, batch)
    weighted = {name: weights[name] * traces[name] for name in traces}
    np.testing.assert_allclose(weighted["pde"], weighted["walls"], rtol=1e-10)
    np.testing.assert_allclose(sum(weighted.values()), sum(traces.values()), rtol=1e-10)


def test_gradient_rule_gives_all_conditions_gradients_of_one_length():
    residuals, params, batch, _ = prepared(poisson())
    rule = GradientNormWeighting()
    weights, _ = rule.update(residuals, params, batch, rule.init(residuals.conditions))
    lengths = []
    for name in batch:
        one = {name: batch[name]}
        gradient = jax.grad(lambda params, one=one: residuals.loss(params, one, weights)[0])(params)
        lengths.append(np.sqrt(sum(np.sum(g**2) for g in jax.tree.leaves(gradient))))
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-10)


def test_average_is_unbiased_from_the_first_update():
    """The same figures again and again give the same weights at once and for ever."""
    residuals, params, batch, _ = prepared(poisson())
    rule = NTKWeighting(momentum=0.9)
    first, state = rule.update(residuals, params, batch, rule.init(residuals.conditions))
    second, state = rule.update(residuals, params, batch, state)
    for name in first:
        np.testing.assert_allclose(second[name], first[name], rtol=1e-12)
    np.testing.assert_allclose(state.filled, 1 - 0.9**2)


def test_a_condition_that_no_parameter_moves_keeps_finite_weights():
    from pinnkit import Condition, Problem

    base = poisson()
    blind = Condition(lambda u, x: 0 * u + x, on=base.domain.interior)
    residuals, params, batch, _ = prepared(Problem("blind", base.domain, {**base.conditions, "blind": blind}))
    rule = NTKWeighting()
    weights, _ = rule.update(residuals, params, batch, rule.init(residuals.conditions))
    assert all(np.isfinite(weight) for weight in weights.values())


def test_fixed_weights_default_to_one_and_are_checked():
    weights = fixed_weights(("a", "b"), {"b": 3.0})
    assert {name: float(weight) for name, weight in weights.items()} == {"a": 1.0, "b": 3.0}
    with pytest.raises(ProblemError, match=r"unknown condition\(s\) \['c'\].*'a', 'b'"):
        fixed_weights(("a", "b"), {"c": 1.0})
    with pytest.raises(ProblemError, match="finite number ≥ 0"):
        fixed_weights(("a",), {"a": float("nan")})


def test_weights_do_not_depend_on_the_order_of_conditions():
    residuals, params, batch, _ = prepared(poisson())
    rule = NTKWeighting()
    state = rule.init(residuals.conditions)
    weights, _ = rule.update(residuals, params, batch, state)
    backwards, _ = rule.update(residuals, params, dict(reversed(batch.items())), state)
    assert jnp.allclose(weights["pde"], backwards["pde"]) and jnp.allclose(weights["walls"], backwards["walls"])
