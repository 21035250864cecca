"""Whatever is computed on several devices is what one device computes.

`test_processes` runs this module with 8 simulated devices, and in 2 processes at once.
"""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit._base.devices import even, map_shards, on_host, sharded, shards, sum_shards
from pinnkit._base.linalg.least_squares import least_squares
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.equations.registry import find_problem
from pinnkit.ntk.lanczos import leading_eigenpairs
from pinnkit.ntk.tangent_kernel import Part, TangentKernel
from pinnkit.residuals import forms
from pinnkit.residuals.forms import block_traces

from ..problems_for_tests import decay_rate, poisson, stokes
from ..residuals.test_linearization import prepared

DEVICES = jax.device_count()

pytestmark = [
    pytest.mark.usefixtures("x64"),
    pytest.mark.skipif(DEVICES == 1, reason="needs several devices; see test_processes"),
]

CLOSE = 1e-10

FORMS = ("linearize", "linearize_by_kernel", "linearize_by_normal_matrix", "linearize_matrix_free")


def alone():
    """The context of one device of this process."""
    return sharded([jax.local_devices()[0]])


def both(work):
    """What work returns on one device, and on all."""
    with alone():
        one = on_host(work())
    with sharded():
        assert shards() == DEVICES
        return one, on_host(work())


def assert_same(work, close=CLOSE):
    one, many = both(work)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(many), strict=True):
        assert np.linalg.norm(a - b) <= close * np.linalg.norm(a)


def test_rows_come_back_in_order_and_sums_do_not_count_those_that_fill_up():
    for n in (1, DEVICES - 1, DEVICES, 3 * DEVICES + 1):
        x = jnp.arange(1.0, n + 1)
        with sharded():
            rows = jax.jit(lambda x: map_shards(lambda x, c: c * x**2, x, 2.0))(x)
            total = jax.jit(lambda x: sum_shards(lambda x, counts: jnp.sum(jnp.where(counts, x, 0.0)), x))(x)
            filled, own = even(x)
        np.testing.assert_allclose(on_host(rows), 2 * np.arange(1.0, n + 1) ** 2)
        np.testing.assert_allclose(on_host(total), n * (n + 1) / 2)
        assert len(filled) % DEVICES == 0 and own.sum() == n


def test_an_enclosing_context_counts_unless_devices_are_named():
    with sharded() as outer:
        with sharded() as inner:
            assert inner == outer and shards() == DEVICES
        with alone():
            assert shards() == 1
        assert shards() == DEVICES


@pytest.mark.parametrize(("problem", "points"), [(stokes, 64), (stokes, 61), (decay_rate, 10)])
def test_loss_gradient_kernel_and_weights(problem, points):
    residuals, params, batch, weights = prepared(problem(), points, width=16)

    def work():
        loss = lambda p: residuals.loss(p, batch, weights)
        kernel = lambda p: forms.linearize_by_kernel(residuals, p, batch, weights).kernel
        functions = loss, jax.grad(lambda p: loss(p)[0]), kernel, lambda p: block_traces(residuals, p, batch)
        return [jax.jit(function)(params) for function in functions]

    assert_same(work, 1e-13)


@pytest.mark.parametrize(("problem", "points"), [(poisson, 37), (stokes, 61)])
@pytest.mark.parametrize("form", FORMS)
def test_gauss_newton_step(problem, points, form):
    residuals, params, batch, weights = prepared(problem(), points, width=16)

    def step(p):
        at = getattr(forms, form)(residuals, p, batch, weights)
        return at.damped_solver(1e-13)(1e-4 * at.mean_eigenvalue, at.residual)

    assert_same(lambda: jax.jit(step)(params))


@pytest.mark.parametrize("points", [45])
def test_structured_kernel_products_and_leading_eigenvalues(points):
    residuals, params, batch, _ = prepared(stokes(), points, width=16)

    def work():
        kernel = TangentKernel({name: Part(residuals.at_point(name), batch[name]) for name in batch}, params)
        vectors = np.random.default_rng(0).standard_normal((kernel.rows, 3))
        pulled = kernel.pull(vectors)
        eigenvalues = leading_eigenpairs(kernel, 10).eigenvalues
        return np.asarray(kernel), kernel.diagonal(), kernel.matmat(vectors), pulled, kernel.push(pulled), eigenvalues

    assert_same(work)


def test_no_jacobian_is_gathered_and_only_the_parameters_are_stored_on_all_devices():
    residuals, params, batch, weights = prepared(poisson(), 32 * DEVICES + 1, width=16)
    n, p = 32 * DEVICES + 3, sum(leaf.size for leaf in jax.tree.leaves(params))
    for form in ("linearize", "linearize_by_normal_matrix"):
        for rows in (n, p // (2 * len(batch))):
            some = {name: points.thinned(min(rows, len(points))) for name, points in batch.items()}

            def step(p, form=form, some=some):
                at = getattr(forms, form)(residuals, p, some, weights)
                return at.damped_solver()(1e-4 * at.mean_eigenvalue, at.residual)

            with sharded():
                text = jax.jit(step).lower(params).compile().as_text()
            most = {"all-gather": 8 * n, "all-reduce": p**2, "all-to-all": n * p / DEVICES + n}
            for shape, operation in re.findall(r"= (.*?) (all-gather|all-reduce|all-to-all)\(", text):
                numbers = lambda dims: math.prod(int(k) for k in dims.split(",") if k)
                sizes = [numbers(dims) for dims in re.findall(r"\[([\d,]*)\]", shape)]
                assert max(sizes) <= most[operation], (form, operation, shape)


@pytest.mark.parametrize("rows", [3, 40])
def test_least_squares_keeps_the_digits_of_nearly_dependent_columns(rows):
    columns = 24
    rng = np.random.default_rng(0)
    A = np.vander(np.linspace(0, 1, rows * columns), columns, increasing=True) @ rng.standard_normal((columns, columns))
    b = A @ rng.standard_normal(columns)
    expected = least_squares(A, b)
    with sharded() as devices:
        place = jax.sharding.NamedSharding(jax.sharding.Mesh(np.array(devices), ("points",)), jax.P("points"))
        put = lambda x: jax.make_array_from_callback(x.shape, place, lambda index: x[index])
        fill = -len(b) % DEVICES
        found = least_squares(put(np.pad(A, ((0, fill), (0, 0)))), put(np.pad(b, (0, fill))))
    size = np.linalg.norm(b)
    assert np.linalg.norm(A @ found.x - b) <= max(3 * expected.residual_norm, 1e-12 * size)
    np.testing.assert_allclose(A @ found.x, A @ expected.x, atol=CLOSE * size)


def test_output_layer():
    ansatz = find_ansatz(find_problem("poisson_1d"), "soft")
    x = jnp.linspace(0, 1, 50)[:, None]

    def work():
        solver = FeatureSolver(ansatz.remaining, lambda bandwidth: feature_model(ansatz, 75, bandwidth, 0), 0)
        return solver.residuals.fields(solver.solve(solver.params((3.0,)), 8).params, x)

    assert_same(work)


@pytest.mark.parametrize("way", ["by_channels", "by_network"])
def test_linearization_of_a_nonlinear_equation_in_the_output_layer(way):
    ansatz = find_ansatz(find_problem("burgers"), "soft")

    def work():
        solver = FeatureSolver(ansatz.remaining, lambda bandwidth: feature_model(ansatz, 25, bandwidth, 0), 0)
        residual = getattr(solver.layer, way)(solver.params(), solver.batch)
        shift = np.random.default_rng(0).standard_normal(solver.layer.size)
        return *residual.on_host(shift), residual.values(shift)

    assert_same(work)


def agreement(problem, field="u", **options):
    """The relative L2 difference of two fits."""
    lower, upper = problem.domain.lower, problem.domain.upper
    x = lower + (upper - lower) * np.random.default_rng(0).random((500, len(lower)))
    one = pinnkit.fit(problem, devices=[jax.local_devices()[0]], progress=False, **options)
    many = pinnkit.fit(problem, progress=False, **options)
    a, b = (solution._fields_on(x)[field] for solution in (one, many))
    return np.linalg.norm(a - b) / np.linalg.norm(a)


def test_automatic_run():
    assert agreement(find_problem("poisson_2d")) <= CLOSE


@pytest.mark.slow
def test_automatic_run_of_a_nonlinear_problem():
    assert agreement(find_problem("pendulum"), field="theta") <= CLOSE


@pytest.mark.slow
def test_automatic_run_in_time_windows():
    """Which are found by comparing losses at the level of rounding: fits differ by no more than their errors."""
    assert agreement(find_problem("burgers")) <= 2e-9


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "ntk-adam", "sampler": "residual-adaptive"},
        {"strategy": "gauss-newton"},
        pytest.param({"strategy": "ntk-adam", "sampler": "kernel-guided"}, marks=pytest.mark.slow),
    ],
    ids=lambda options: "-".join(options.values()),
)
def test_training(options):
    assert agreement(find_problem("burgers"), steps=12, points=50, width=8, depth=2, **options) <= CLOSE


def test_a_resumed_run(tmp_path):
    options = {"strategy": "ntk-adam", "points": 50, "width": 8, "depth": 2}
    problem, folder = find_problem("burgers"), tmp_path / "run"
    x = np.random.default_rng(0).random((100, 2))
    if jax.process_count() > 1:
        pytest.skip("each process has a folder of its own here; `test_processes` resumes")
    whole = pinnkit.fit(problem, steps=200, devices=1, progress=False, **options)

    saving = pinnkit.Checkpoints(folder, every_steps=50)
    with pytest.raises(KeyboardInterrupt):
        pinnkit.fit(problem, steps=200, progress=False, checkpoints=saving, callbacks=[Broken()], **options)
    resumed = pinnkit.fit(problem, steps=200, progress=False, resume=folder, checkpoints=saving, **options)
    assert resumed.run.config["resumed"]
    a, b = (solution._fields_on(x)["u"] for solution in (whole, resumed))
    np.testing.assert_allclose(a, b, rtol=1e-7)


class Broken(pinnkit.Callback):
    def progress(self, event):
        if event.step >= 100:
            raise KeyboardInterrupt
