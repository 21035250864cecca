"""What an accelerator gives: parts of pinnkit, and whole runs, on the device that JAX finds.

    uv run python -m tests.benchmarks.accelerator parts          # kernel, Gauss-Newton step, least squares
    uv run python -m tests.benchmarks.accelerator runs [--budget 60]
    JAX_PLATFORMS=cpu uv run python -m tests.benchmarks.accelerator parts     # the same on the processor

On a processor the parts are smaller, which is said. Everything is in double precision. Rates are those of the
multiply-adds that the method needs, two operations each, and shares are relative to a product of two large matrices on
the same device.
"""

import argparse
import json
import os
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from pinnkit import MLP
from pinnkit._base.linalg.arrays import for_algebra
from pinnkit._base.linalg.least_squares import least_squares
from pinnkit.networks.adapters import as_functional
from pinnkit.ntk.jacobian import gram_matrix, gram_multiply_adds
from pinnkit.residuals.forms import linearize_by_normal_matrix, linearize_matrix_free
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of
from pinnkit.samplers.space_filling import QuasiRandom
from problems.parabolic.burgers import burgers

from .accuracy import measure_alone

REPEATS = 3
RUNS = (("burgers", "auto"), ("allen_cahn", "auto"), ("kdv", "auto"), ("burgers", "ntk-adam"), ("burgers", "adam"))


def seconds(function, *arguments):
    """The least of several runs after one that compiles, which is returned too."""
    began = time.perf_counter()
    jax.block_until_ready(function(*arguments))
    compiling, found = time.perf_counter() - began, []
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        found.append(time.perf_counter() - began)
    return min(found), compiling


def show(name, took, multiply_adds=None, peak=None, **more):
    rate = 2 * multiply_adds / took if multiply_adds else None
    share = f", {rate / 1e12:.2f} Tflop/s, {rate / peak:.0%} of the product" if rate and peak else ""
    rest = "".join(f", {key} {value:.3g}" for key, value in more.items())
    print(f"{name}: {took:.4g} s{share}{rest}", flush=True)


def peak_rate(size):
    """Operations per second of a product of two matrices."""
    A = jax.random.normal(jax.random.key(0), (size, size), jnp.float64)
    took, _ = seconds(jax.jit(lambda A: A @ A), A)
    rate = 2 * size**3 / took
    print(f"product of two matrices of {size}: {took:.4g} s, {rate / 1e12:.2f} Tflop/s", flush=True)
    return rate


def kernels(width, points, peak):
    """Kernels of a network with four hidden layers: of its values, and of the residual of Burgers' equation."""
    residuals, params, batch = setting(width, 4, points)
    x = batch["pde"].coordinates
    functions = {
        "u": (lambda params, x: jnp.atleast_1d(residuals.model.apply(params["network"], x)), x),
        "residual": (residuals.at_point("pde"), batch["pde"]),
    }
    for name, part in functions.items():
        work = gram_multiply_adds([part], params) / 2
        took, compiling = seconds(jax.jit(lambda params, part=part: gram_matrix([part], params)), params)
        show(f"kernel of {name}, 4 × {width}, {len(x)} points", took, work, peak, compiling=compiling)


def setting(width, depth, points):
    """Residuals of Burgers' equation, parameters and a batch."""
    residuals = ResidualFunctions(burgers, as_functional(MLP(burgers.domain, 1, width, depth), 2))
    params = residuals.initial_params(residuals.model.params)
    counts = point_counts(burgers, points)
    return residuals, params, batch_of(burgers, QuasiRandom().init(burgers, counts, seed=0))


def gauss_newton(width, depth, points, peak):
    """A damped step with the normal matrix and by conjugate gradients."""
    residuals, params, batch = setting(width, depth, points)
    weights = dict.fromkeys(batch, jnp.asarray(1.0))
    p = sum(leaf.size for leaf in jax.tree.leaves(params))
    for name, form in (("normal matrix", linearize_by_normal_matrix), ("products", linearize_matrix_free)):

        def step(params, batch, form=form):
            at = form(residuals, params, batch, weights)
            return at.damped_solver(1e-2)(1e-3 * at.mean_eigenvalue, at.residual)

        took, compiling = seconds(jax.jit(step), params, batch)
        work = 0.625 * points * p**2 + p**3 / 3 if name == "normal matrix" else None
        show(f"Gauss-Newton step, {name}, {points} points, {p} parameters", took, work, peak, compiling=compiling)


def dense_least_squares(rows, columns):
    """The solve of an output layer, on the host and where the device would do it."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((rows, columns)) * np.geomspace(1, 1e-9, columns) @ rng.standard_normal((columns, columns))
    b = rng.standard_normal(rows)
    on_device = jnp.asarray(A), jnp.asarray(b)
    host, _ = seconds(lambda: least_squares(A, b).x)
    device, compiling = seconds(lambda: least_squares(*on_device).x)
    print(
        f"least squares, {rows} × {columns}: host {host:.3g} s, JAX {device:.3g} s (compiling {compiling:.3g} s);"
        f" runs use {'the host' if isinstance(for_algebra(on_device[0]), np.ndarray) else 'JAX'}",
        flush=True,
    )


def parts():
    device = jax.devices()[0]
    is_small = device.platform == "cpu"
    print(f"{device.platform}: {device.device_kind}, {os.cpu_count()} cores, jax {jax.__version__}")
    if is_small:
        print("no accelerator: smaller sizes")
    with jax.enable_x64(True):
        peak = peak_rate(2048 if is_small else 8192)
        kernels(*((128, 1024) if is_small else (512, 8192)), peak)
        for case in ((20, 4, 20_000),) if is_small else ((20, 4, 20_000), (58, 4, 65_536), (58, 4, 1_000_000)):
            gauss_newton(*case, peak)
        for shape in ((2000, 700),) if is_small else ((6000, 2000), (12_000, 4000)):
            dense_least_squares(*shape)


def runs(budget, output):
    for problem, strategy in RUNS:
        job = {"problem": problem, "coefficients": {}, "strategy": strategy, "options": {}, "seed": 0, "budget": budget}
        record = {**job, **measure_alone(job)}
        if output:
            with output.open("a") as file:
                file.write(json.dumps(record) + "\n")
        found = record.get("failure") or (
            f"relative L2 {record['relative_l2']:.1e} in {record['wall_s']:.1f} s, {record['steps']} steps,"
            f" {record['device']}"
        )
        print(f"{problem}, {strategy}, {budget:g} s: {found}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["parts", "runs"])
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--output", type=Path, help="file to which records of runs are added")
    arguments = parser.parse_args()
    if arguments.what == "parts":
        parts()
    else:
        runs(arguments.budget, arguments.output)


if __name__ == "__main__":
    main()
