"""Jacobian and kernel against closed forms and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from flax import nnx
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import cast
from pinnkit.ntk import compute_jacobian, compute_ntk, jacobian_rows, squared_gradient_norms


class PointMLP(nnx.Module):
    """2-8-8-m, written for a point or a batch alike."""

    def __init__(self, outputs: int = 1, seed: int = 0):
        rngs = nnx.Rngs(seed)
        self.first = nnx.Linear(2, 8, rngs=rngs)
        self.second = nnx.Linear(8, 8, rngs=rngs)
        self.last = nnx.Linear(8, outputs, rngs=rngs)

    def __call__(self, x):
        return self.last(nnx.tanh(self.second(nnx.tanh(self.first(x)))))


class BatchMLP(PointMLP):
    """The same network, written for a batch only."""

    def __call__(self, x):
        return super().__call__(jnp.concatenate([x[:, 0:1], x[:, 1:2]], axis=1))


class ScalarMLP(PointMLP):
    """The same network without an axis for the output."""

    def __call__(self, x):
        return super().__call__(x)[..., 0]


class Regularised(nnx.Module):
    """With state that is no parameter: running statistics and keys of a dropout."""

    def __init__(self):
        rngs = nnx.Rngs(3)
        self.first = nnx.Linear(2, 8, rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.last = nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x):
        return self.last(self.dropout(nnx.tanh(self.norm(self.first(x)))))


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).uniform(-1, 1, (7, 2))


def in_double(model):
    """A copy of an nnx model with float64 parameters."""
    with jax.enable_x64(True):
        graph, state = nnx.split(model)
        return nnx.merge(graph, cast(state, jnp.float64))


def finite_difference_jacobian(model, x, step=1e-5):
    """Central differences of fourth order of the output at `x` by each parameter."""
    with jax.enable_x64(True):
        functional = as_functional(model, x.shape[1])
        flat, unravel = jax.flatten_util.ravel_pytree(cast(functional.params, jnp.float64))
        evaluate = jax.jit(lambda flat: jax.vmap(lambda point: functional.apply(unravel(flat), point))(x))

        def column(direction):
            near, far = ((evaluate(flat + h * direction) - evaluate(flat - h * direction)) for h in (step, 2 * step))
            return (8 * near - far) / (12 * step)

        return np.stack([column(direction) for direction in np.eye(flat.size)], axis=-1)


@pytest.mark.parametrize("framework", ["equinox", "flax", "functions"])
def test_linear_model_has_its_gram_matrix_as_ntk(framework, x):
    model = {
        "equinox": eqx.nn.Linear(2, 1, key=jr.key(0)),
        "flax": nnx.Linear(2, 1, rngs=nnx.Rngs(0)),
        "functions": (
            lambda key: {"w": jr.normal(key, (2,)), "b": jnp.zeros(())},
            lambda p, x: p["w"] @ x + p["b"],
        ),
    }[framework]
    ntk = compute_ntk(model, x)
    assert isinstance(ntk, np.ndarray) and ntk.dtype == np.float64
    assert_allclose(ntk, x @ x.T + 1, rtol=1e-15)


@pytest.mark.parametrize("model", [PointMLP(2), BatchMLP(), Regularised()], ids=lambda m: type(m).__name__)
def test_jacobian_agrees_with_finite_differences(model, x):
    jacobian, expected = compute_jacobian(model, x), finite_difference_jacobian(model, x)
    assert jacobian.shape == expected.shape
    assert np.linalg.norm(jacobian - expected) <= 1e-9 * np.linalg.norm(expected)
    ntk, expected_ntk = compute_ntk(model, x), np.einsum("iak,jak->ij", expected, expected)
    assert_allclose(ntk, expected_ntk, rtol=1e-6)


def test_equinox_mlp_agrees_with_finite_differences(x):
    model = eqx.nn.Sequential([eqx.nn.MLP(2, 1, 8, 2, jnp.tanh, key=jr.key(1)), eqx.nn.Dropout(0.5)])
    assert_allclose(compute_jacobian(model, x), finite_difference_jacobian(model, x), rtol=1e-6, atol=1e-9)


def test_the_way_a_model_is_written_does_not_matter(x):
    ntk = compute_ntk(PointMLP(), x)
    assert_array_equal(compute_ntk(BatchMLP(), x), ntk)
    assert_array_equal(compute_ntk(ScalarMLP(), x), ntk)
    assert_array_equal(compute_ntk(as_functional(PointMLP(), 2), x), ntk)


def test_kernel_is_traced_over_outputs(x):
    jacobian = compute_jacobian(PointMLP(3), x)
    assert jacobian.shape == (7, 3, 3 * 8 + 9 * 8 + 9 * 3)
    assert_allclose(compute_ntk(PointMLP(3), x), sum(j @ j.T for j in jacobian.transpose(1, 0, 2)), rtol=1e-14)


def test_columns_are_in_the_order_of_the_raveled_parameters(x):
    functional = as_functional(eqx.nn.Linear(2, 1, key=jr.key(0)), 2)
    flat, unravel = jax.flatten_util.ravel_pytree(functional.params)
    gradient = compute_jacobian(functional, x)[0, 0]
    parts = unravel(jnp.asarray(gradient, flat.dtype))
    assert_allclose(parts.weight[0], x[0], rtol=1e-6)
    assert_allclose(parts.bias, 1.0)


def test_ntk_is_exactly_symmetric_and_agrees_with_the_one_between_two_sets(x):
    ntk = compute_ntk(PointMLP(), x)
    assert_array_equal(ntk, ntk.T)
    assert_allclose(compute_ntk(PointMLP(), x, x), ntk, rtol=1e-14)
    assert_allclose(compute_ntk(PointMLP(), x[:3], x[4:]), ntk[:3, 4:], rtol=1e-14)


def test_float32_model_gives_the_kernel_of_its_parameters_in_float64(x):
    model = PointMLP()
    assert model.first.kernel.dtype == np.float32
    ntk = compute_ntk(model, x)
    assert ntk.dtype == np.float64
    assert_array_equal(compute_ntk(in_double(model), x), ntk)


def test_double_parameters_and_points_keep_their_last_digits(x):
    with jax.enable_x64(True):
        w = jnp.asarray([1 + 1e-12, 0.5])
        points = jnp.asarray(x)
    pair = (lambda key: w, lambda w, x: 0.5 * (w @ x) ** 2)
    expected = (x @ np.array([1 + 1e-12, 0.5]))[:, None] * x
    assert_allclose(compute_jacobian(pair, points)[:, 0], expected, rtol=1e-15, atol=1e-18)
    assert compute_ntk(pair, points).dtype == np.float64


def test_model_that_computes_in_single_precision_gives_a_kernel_that_says_so(x):
    model = nnx.Linear(2, 1, dtype=jnp.float32, rngs=nnx.Rngs(0))
    assert compute_jacobian(model, x).dtype == compute_ntk(model, x).dtype == np.float32


def test_state_that_is_no_parameter_is_held(x):
    model = Regularised()
    functional = as_functional(model, 2)
    assert compute_jacobian(model, x).shape[-1] == functional.size == 2 * 8 + 8 + 2 * 8 + 8 + 1
    before = [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.BatchStat))]
    first = compute_ntk(model, x)
    assert_array_equal(compute_ntk(model, x), first)
    for held, leaf in zip(before, jax.tree.leaves(nnx.state(model, nnx.BatchStat)), strict=True):
        assert_array_equal(leaf, held)
    assert not model.dropout.deterministic and not model.norm.use_running_average


def test_functions_run_inside_jit_vmap_and_grad(x):
    model = PointMLP()
    single = jnp.asarray(x, jnp.float32)
    ntk = compute_ntk(model, x)
    jitted = jax.jit(lambda x: compute_ntk(model, x))(single)
    assert isinstance(jitted, jax.Array) and jitted.dtype == jnp.float32
    assert_allclose(jitted, ntk, rtol=1e-4)
    assert_array_equal(jitted, jitted.T)
    assert_allclose(nnx.jit(lambda model: compute_ntk(model, single))(model), ntk, rtol=1e-4)
    pieces = jax.vmap(lambda x1: compute_ntk(model, x1[None], single))(single)
    assert_allclose(pieces[:, 0], ntk, rtol=1e-4)
    with jax.enable_x64(True):
        double = jax.jit(lambda x: compute_jacobian(in_double(model), x))(jnp.asarray(x))
    assert double.dtype == np.float64
    assert_allclose(double, compute_jacobian(model, x), rtol=1e-12, atol=1e-15)
    functional = as_functional(model, 2)
    trace = jax.grad(lambda params: compute_ntk(eqx.tree_at(lambda f: f.params, functional, params), single).trace())
    assert jax.tree.structure(trace(functional.params)) == jax.tree.structure(functional.params)


@pytest.mark.parametrize("block_size", [None, 1, 3, 100])
def test_engines_take_trees_of_points_and_blocks(x, block_size):
    def function(params, point):
        return jnp.stack([params["a"] * point["x"].sum() ** 2, params["b"] @ point["x"] + point["y"]])

    with jax.enable_x64(True):
        params = {"b": jnp.ones(2), "a": jnp.asarray(2.0)}
        points = {"x": jnp.asarray(x), "y": jnp.arange(7.0)}
        rows = jax.jit(lambda p, x: jacobian_rows(function, p, x, block_size))(params, points)
        norms = squared_gradient_norms(function, params, points, block_size)
        expected = np.zeros((7, 2, 3))
        expected[:, 0, 0], expected[:, 1, 1:] = x.sum(axis=1) ** 2, x
        assert_allclose(rows, expected, rtol=1e-14)
        assert_allclose(norms, (expected**2).sum(axis=(1, 2)), rtol=1e-14)


def test_squared_gradient_norms_are_the_diagonal_of_the_kernel(x):
    with jax.enable_x64(True):
        functional = as_functional(in_double(PointMLP(3)), 2)
        norms = squared_gradient_norms(functional.apply, functional.params, jnp.asarray(x), block_size=2)
    assert_allclose(norms, np.diag(compute_ntk(PointMLP(3), x)), rtol=1e-13)


def test_repeated_calls_compile_nothing(x, caplog):
    def compilations():
        caplog.clear()
        with jax.log_compiles():
            compute_ntk(model, points)
        return sum("ompil" in record.getMessage() for record in caplog.records)

    model = PointMLP()
    points = np.concatenate([x, x, x])  # a number of points that no other test has
    assert compilations() > 0
    model.first.kernel[...] += 0.1
    assert compilations() == 0


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros(5), r"`x1` must have shape \(n, d\).*it has \(5,\); did you mean `x1\[:, None\]`"),
        (np.zeros((0, 2)), r"`x1` must have shape \(n, d\).*\(0, 2\)"),
        (np.zeros((2, 2, 2)), r"must have shape \(n, d\)"),
        (np.array([[0, 0], [0, np.nan]]), "`x1` holds 1 point.* not finite, the first in row 1"),
        (np.zeros((3, 2), complex), "`x1` must hold real numbers; its dtype is complex128"),
        (np.zeros((3, 4)), "does not accept points with 4 coordinate"),
    ],
)
def test_unusable_points_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        compute_ntk(PointMLP(), points)


def test_other_unusable_input_is_refused(x):
    model = PointMLP()
    with pytest.raises(ValueError, match="`x1` has 2 coordinate.* and `x2` has 3"):
        compute_ntk(model, x, np.zeros((4, 3)))
    model.last.bias[...] = jnp.nan
    with pytest.raises(ValueError, match=r"the parameter .*last.*bias.* holds 1 value"):
        compute_ntk(model, x)
    with pytest.raises(ValueError, match="not finite at 1 of 2 .*, the first of them x = .0.0."):
        compute_ntk((lambda key: jnp.zeros(1), lambda w, x: jnp.sqrt(w + x)), np.array([[1.0], [0.0]]))
    with pytest.raises(TypeError, match="a model is"):
        compute_ntk("model", x)
