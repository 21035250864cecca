"""Kernels from factors against J Jᵀ from automatic differentiation, which knows nothing of factors."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit import (
    MLP,
    Box,
    Condition,
    FourierFeatures,
    ModifiedMLP,
    PirateNet,
    Problem,
    Rescale,
    SeparableNetwork,
    Siren,
    Unknown,
    factorize_weights,
    laplacian,
    partial,
)
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import cast
from pinnkit.ntk.factors.factors import factorise
from pinnkit.ntk.tangent_kernel import Part, TangentKernel
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of
from pinnkit.samplers.space_filling import QuasiRandom

from ..networks.parameters import moved
from .networks import FACTORED, USES, WIDTH, Factorised, Unusual, WithAttention, WithBatchNorm

SPACE, TIME = Box(x=(-1.0, 1.0), y=(0.0, 1.0)), Box(x=(-1.0, 1.0), t=(0.0, 1.0))
TOLERANCE = 1e-12


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def reference(function, params, points):
    """J by `jax.jacrev` of the flat parameters, rows of one point together."""
    flat, unravel = ravel_pytree(params)
    one = jax.jacrev(lambda flat, point: function(unravel(flat), point))
    jacobian = jax.jit(jax.vmap(one, (None, 0)))(flat, points)
    return np.asarray(jacobian).reshape(-1, flat.size)


def assert_same_kernel(function, params, points):
    """The kernel of one function and its diagonal; gives the plan."""
    kernel = TangentKernel({"f": Part(function, points)}, params)
    jacobian = reference(function, params, points)
    expected = jacobian @ jacobian.T
    scale = np.abs(expected).max()
    assert_allclose(kernel, expected, rtol=0, atol=TOLERANCE * scale)
    assert_allclose(kernel.diagonal(), np.diag(expected), rtol=TOLERANCE)
    return factorise(function, params, points).plan


def network(module):
    functional = as_functional(module, 2)
    return functional.apply, cast(functional.params, float)


def residual(equation, module, domain=SPACE, fields=("u",), n=5, **arguments):
    """The residual of an equation in the interior as a function of parameters and point, parameters, points."""
    conditions = {"pde": Condition(equation, on=domain.interior)}
    problem = Problem(name="test", domain=domain, fields=fields, conditions=conditions, **arguments)
    functional = as_functional(module, 2)
    residuals = ResidualFunctions(problem, functional)
    points = batch_of(problem, QuasiRandom().init(problem, {"pde": n}, 0))["pde"]
    return residuals.at_point("pde"), residuals.initial_params(cast(functional.params, float)), points


MODULES = {
    "mlp": lambda: MLP(SPACE, 1, WIDTH, 3),
    "modified": lambda: ModifiedMLP(SPACE, 1, WIDTH, 2),
    "fourier": lambda: MLP(SPACE, 1, WIDTH, 2, embedding=FourierFeatures(Rescale(SPACE), 10, 2.0)),
    "factorised": lambda: Factorised([2, WIDTH, WIDTH, 1], jr.key(0)),
    "factorised outputs": lambda: factorize_weights(ModifiedMLP(SPACE, 1, WIDTH, 2)),
    "pirate": lambda: moved(PirateNet(SPACE, 1, WIDTH, 1), 0.1),
    "siren": lambda: Siren(SPACE, 1, WIDTH, 2),
    "separable": lambda: SeparableNetwork(SPACE, 1, WIDTH, 2, rank=WIDTH),
    "attention": lambda: WithAttention(jr.key(0)),
    "batch norm": lambda: WithBatchNorm(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_kernel_of_a_laplacian_agrees_with_the_jacobian_for_every_kind_of_network(name):
    plan = assert_same_kernel(*residual(lambda u: laplacian(u), MODULES[name]()))
    assert bool(plan.factored) == (name != "attention")


EQUATIONS = {
    "burgers": (lambda u: u.t + u * u.x - 0.01 * u.xx, TIME, {}),
    "wave": (lambda u: u.tt - 4 * u.xx, TIME, {}),
    "total derivative": (lambda u: u.t - partial(u * u.x, "x"), TIME, {}),
    "elsewhere": (lambda u, t: u.t - u(x=0.3, t=t), TIME, {}),
    "inverse": (lambda u, nu: u.t - nu * u.xx, TIME, {"coefficients": {"nu": Unknown(0.3)}}),
    "fourth order": (lambda u: u.xxxx + 2 * u.xxyy + u.yyyy, SPACE, {}),
    "system": (lambda u, v: (u.x + v.y, u * u.x + v * u.y - u.xx - u.yy), SPACE, {"fields": ("u", "v")}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EQUATIONS)
def test_kernel_agrees_with_the_jacobian_for_every_kind_of_equation(name):
    equation, domain, arguments = EQUATIONS[name]
    outputs = len(arguments.get("fields", "u"))
    assert_same_kernel(*residual(equation, MLP(domain, outputs, WIDTH, 2), domain, **arguments))


@pytest.mark.parametrize(
    ("equation", "domain", "channels"),
    [
        (lambda u: u, TIME, 1),
        (lambda u: u.xx + u.yy, SPACE, 4),  # value, x, y; xx with yy
        (lambda u: u.tt - 4 * u.xx, TIME, 4),  # value, x, t; tt with −4 xx
        (lambda u: u.t - 0.1 * u.xx, TIME, 3),  # value, x; t with −0.1 xx
        (lambda u: u.t + u * u.x - 0.01 * u.xx, TIME, 3),
        (lambda u: u.t + u.x * u.t, TIME, 3),  # value, x, t
    ],
)
def test_channels_of_one_weight_are_merged_where_they_are_proportional(equation, domain, channels):
    plan = factorise(*residual(equation, MLP(domain, 1, WIDTH, 3), domain)).plan
    assert [sum(plan.width(leaf)) for leaf in plan.factored if plan.shapes[leaf] == (WIDTH, WIDTH)] == 2 * [channels]


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
def test_a_weight_used_in_any_way_gives_the_right_kernel(use):
    module = Unusual(USES[use], jr.key(1))
    points = jr.normal(jr.key(2), (5, 2))
    plan = assert_same_kernel(*network(module), points)
    inner = 1
    assert (inner in plan.channels) == (use in FACTORED), "what can be factored is, and nothing else"
    assert 0 in plan.channels and 2 in plan.channels, "the other leaves are not affected"


def test_cheaper_form_is_taken_for_each_layer():
    plan = factorise(*residual(lambda u: u.xx + u.yy, MLP(SPACE, 1, WIDTH, 2))).plan
    assert [plan.shapes[leaf] for leaf in plan.factored] == [(WIDTH, WIDTH)]
    narrow = factorise(*residual(lambda u: u.xx + u.yy, MLP(SPACE, 1, 16, 2))).plan
    assert narrow.factored == () and narrow.multiply_adds == sum(np.prod(shape) for shape in narrow.shapes)
    assert plan.multiply_adds < 0.6 * sum(np.prod(shape) for shape in plan.shapes)


def several_conditions(counts, **options):
    """A system with walls and fluxes: one row a point here, two there."""
    problem = Problem(
        name="test",
        domain=SPACE,
        fields=("u", "v"),
        coefficients={"nu": Unknown(0.3)},
        conditions={
            "pde": Condition(lambda u, v, nu: (u.x + v.y, u * u.x + v * u.y - nu * laplacian(u)), on=SPACE.interior),
            "walls": Condition(lambda u: u, on=SPACE.boundary()),
            "flux": Condition(lambda v, normal: v.x * normal[0] + v.y * normal[1], on=SPACE.boundary("x")),
        },
    )
    functional = as_functional(MLP(SPACE, 2, 48, 2), 2)
    residuals = ResidualFunctions(problem, functional)
    params = residuals.initial_params(cast(functional.params, float))
    batch = batch_of(problem, QuasiRandom().init(problem, counts, 0))
    scales = {"pde": 0.5, "walls": 2.0, "flux": 1.0}
    parts = {name: Part(residuals.at_point(name), batch[name], scales[name]) for name in residuals.conditions}
    jacobian = [scales[k] * reference(part.function, params, part.points) for k, part in parts.items()]
    return TangentKernel(parts, params, **options), np.concatenate(jacobian)


@pytest.mark.slow
def test_conditions_are_blocks_of_one_kernel_put_together_from_chunks():
    kernel, jacobian = several_conditions({"pde": 150, "walls": 40, "flux": 30}, memory=2_000_000)
    assert max(len(list(part.rows())) for part in kernel._parts.values()) > 1
    expected = jacobian @ jacobian.T
    atol = TOLERANCE * np.abs(expected).max()
    dense, rows = np.asarray(kernel), kernel.slices()
    assert_allclose(dense, expected, rtol=0, atol=atol)
    assert_array_equal(dense, dense.T)
    assert list(kernel.sizes.items()) == [("flux", 30), ("pde", 300), ("walls", 40)]
    for (a, b), block in kernel.blocks().items():
        assert_allclose(block, dense[rows[a], rows[b]], rtol=0, atol=atol)
        assert_allclose(kernel.block(a, b), block, rtol=0, atol=atol)
    assert_allclose(kernel["pde"], kernel.block("pde", "pde"), rtol=0, atol=atol)
    assert_allclose(kernel.diagonal(), np.diag(expected), rtol=TOLERANCE)
    traces = {name: np.trace(expected[part, part]) for name, part in rows.items()}
    assert kernel.traces() == pytest.approx(traces, rel=TOLERANCE)
    rng = np.random.default_rng(0)
    tangents, vectors = rng.standard_normal((kernel.parameters, 3)), rng.standard_normal((kernel.rows, 3))
    assert_allclose(kernel.push(tangents), jacobian @ tangents, rtol=0, atol=1e-10)
    assert_allclose(kernel.pull(vectors[:, 0]), jacobian.T @ vectors[:, 0], rtol=0, atol=1e-10)
    assert_allclose(kernel.matmat(vectors), expected @ vectors, rtol=0, atol=1e-9)
    assert_allclose(kernel.jacobian(), jacobian, rtol=0, atol=TOLERANCE * np.abs(jacobian).max())


def test_rows_of_traced_outputs_are_summed():
    apply, params = network(MLP(SPACE, 3, 48, 2))
    points = jr.normal(jr.key(2), (7, 2))
    kernel = TangentKernel({"f": Part(apply, points)}, params, traced=True)
    jacobian = reference(apply, params, points).reshape(7, -1)
    assert (kernel.rows, kernel.parameters) == jacobian.shape
    expected = jacobian @ jacobian.T
    atol = TOLERANCE * np.abs(expected).max()
    assert_allclose(kernel, expected, rtol=0, atol=atol)
    assert_allclose(kernel.diagonal(), np.diag(expected), rtol=TOLERANCE)
    assert_allclose(kernel.matmat(np.eye(7)), expected, rtol=0, atol=atol)
    tangents = np.random.default_rng(0).standard_normal((kernel.parameters, 2))
    assert_allclose(kernel.push(tangents), jacobian @ tangents, rtol=0, atol=1e-11)
    assert_allclose(kernel.pull(np.eye(7)), jacobian.T, rtol=0, atol=TOLERANCE * np.abs(jacobian).max())


def test_rounding_bounds_the_error_of_a_kernel_in_single_precision():
    function, params, points = residual(lambda u: u.xx + u.yy, MLP(SPACE, 1, WIDTH, 3), n=40)
    exact = TangentKernel({"f": Part(function, points)}, params)
    single = TangentKernel({"f": Part(function, points)}, params, dtype=np.float32)
    assert (exact.dtype, single.dtype) == (np.float64, np.float32)
    error = np.linalg.norm(np.asarray(single) - np.asarray(exact))
    assert 0 < error <= single.rounding
    assert single.rounding == pytest.approx(exact.rounding * single.epsilon / exact.epsilon, rel=1e-4)


def test_unusable_input_is_refused():
    kernel, _ = several_conditions({"pde": 5, "walls": 4, "flux": 2})
    with pytest.raises(KeyError, match="'wall' is not a part of this kernel; it has"):
        kernel["wall"]
    with pytest.raises(ValueError, match=r"`vectors` must have shape \(16,\) or \(16, k\); it has \(3,\)"):
        kernel.pull(np.ones(3))
    with pytest.raises(ValueError, match="`tangents` holds 1 value"):
        kernel.push(np.where(np.arange(kernel.parameters), 0.0, np.nan))
    with pytest.raises(ValueError, match="`memory` of 1000 bytes does not hold a tile of .* give at least"):
        several_conditions({"pde": 5, "walls": 4, "flux": 2}, memory=1000)
    small, _ = several_conditions({"pde": 150, "walls": 400, "flux": 30}, memory=2_000_000)
    with pytest.raises(ValueError, match="the kernel of 730 rows would take 0.00426 GB as a matrix"):
        np.asarray(small)


def test_a_derivative_that_is_not_finite_is_located():
    part = Part(lambda w, x: jnp.sqrt(w + x), np.array([[1.0], [0.0]]))
    for figure in (np.asarray, TangentKernel.diagonal, TangentKernel.jacobian, lambda k: k.matmat(np.ones((2, 1)))):
        with pytest.raises(ValueError, match=r"derivative of 'f' .* not finite at 1 of 2 point.*x = \[0.0\]"):
            figure(TangentKernel({"f": part}, jnp.zeros(1)))
