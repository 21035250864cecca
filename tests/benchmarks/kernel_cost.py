"""The cost of a residual kernel: against the Jacobian, and with growing numbers of points and parameters.

    uv run python -m tests.benchmarks.kernel_cost laplacian
    uv run python -m tests.benchmarks.kernel_cost scaling [--plot FILE.svg]

Every figure is of a process of its own, held to one thread and one core where the system can. `laplacian` prints the
kernel of the residual of a 2-D Laplacian at 1024 points beside `vmap(jacrev)` and J Jᵀ, both compiled, taking turns in
one process. `scaling` prints what traces, 20 leading eigenvalues and the density of eigenvalues take for growing n and
p, and the exponents of n and p fitted to it. An hour in all; 16 GB of memory for the largest Jacobian.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

SHAPES = {"2x64": (64, 2), "4x128": (128, 4), "4x512": (512, 4)}
SIZES = [
    *((n, "2x32") for n in (1024, 4096, 16384, 65536)),
    *((n, "4x128") for n in (1024, 4096, 16384, 65536)),
    *((n, "4x512") for n in (1024, 4096)),
]


LARGE = 1e8
"""Points times parameters from which on compilation is a small part of the time."""


def setting(width, depth, n):
    """The residual of the Laplacian, its parameters and points."""
    import jax
    import jax.numpy as jnp

    import pinnkit
    from pinnkit.networks.adapters import as_functional
    from pinnkit.networks.functional import cast
    from pinnkit.residuals.functions import ResidualFunctions

    domain = pinnkit.Box(x=(-1.0, 1.0), y=(0.0, 1.0))
    condition = pinnkit.Condition(lambda u: u.xx + u.yy, on=domain.interior)
    problem = pinnkit.Problem(name="laplace", domain=domain, conditions={"pde": condition})
    with jax.enable_x64(True):
        network = as_functional(pinnkit.MLP(domain, 1, width, depth), 2)
        residuals = ResidualFunctions(problem, network)
        params = residuals.initial_params(cast(network.params, jnp.float64))
    points = pinnkit.sample_points(problem, n)["pde"]
    return residuals.at_point("pde"), params, points


def against_jacobian(width, depth, n, repetitions=3):
    """Time, temporary memory and multiply-adds (of the products; in all) of both ways, and their difference."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.flatten_util import ravel_pytree

    from pinnkit.ntk.factors import tiles as blocks
    from pinnkit.ntk.factors.factors import factorise

    from .peers.costs import arithmetic, costs

    function, params, points = setting(width, depth, n)
    with jax.enable_x64(True):
        flat, unravel = ravel_pytree(params)
        program, constants, plan = factorise(function, params, points)
        tile = blocks.tile_size(plan, n)
        leaves, arrays = jax.tree.leaves(params), [jnp.asarray(a) for a in jax.tree.leaves(points)]

        def factors(leaves, arrays):
            return blocks.stacked(program, tile, constants, leaves, arrays)

        def factored(leaves, arrays):
            return blocks.symmetric(program, False, leaves, factors(leaves, arrays))

        def jacobian(flat, points):
            one = jax.jacrev(lambda flat, point: function(unravel(flat), point)[0])
            return jax.vmap(one, (None, 0))(flat, points)

        def direct(flat, points):
            J = jacobian(flat, points)
            return J @ J.T

        both = {"factored": (factored, factors, (leaves, arrays)), "direct": (direct, jacobian, (flat, points))}
        found = {"parameters": flat.size}
        compiled = {name: jax.jit(way).lower(*args).compile() for name, (way, _, args) in both.items()}
        times, kernels = {name: [] for name in both}, {}
        for repetition in range(repetitions + 1):
            for name, (*_, args) in both.items():
                before = time.process_time()
                kernels[name] = jax.block_until_ready(compiled[name](*args))
                if repetition:
                    times[name].append(time.process_time() - before)
        for name, (way, first, args) in both.items():
            cost = costs(way, *args)
            found[name] = {
                "cpu_s": statistics.median(times[name]),
                "temporary_mb": cost.temporary_bytes / 1e6,
                "gmac": (cost.multiply_adds - arithmetic(first, *args)[1]) / 1e9,
                "gmac_in_all": cost.multiply_adds / 1e9,
            }
        difference = np.abs(np.asarray(kernels["factored"]) - np.asarray(kernels["direct"])).max()
        found["difference"] = float(difference / np.abs(np.asarray(kernels["direct"])).max())
    return found


def figures(width, depth, n, modes=20):
    """CPU seconds and peak memory of traces (compiled before), leading eigenvalues and density, in this order."""
    import numpy as np

    from pinnkit.ntk import TangentKernel, leading_eigenpairs, spectral_density
    from pinnkit.ntk.any_size import NARROW
    from pinnkit.ntk.tangent_kernel import Part

    function, params, points = setting(width, depth, n)
    kernel = TangentKernel({"pde": Part(function, points)}, params, memory=2**32 * 3 // 4)
    found = {"parameters": kernel.parameters, "base_mb": _peak_mb(), "keeps_factors": kernel.keeps_factors}

    def timed(name, compute):
        before = time.process_time()
        value = compute()
        found[name] = {"cpu_s": time.process_time() - before, "peak_mb": _peak_mb()}
        return value

    kernel.diagonal()  # compiles what takes longer to compile than to run
    trace = timed("traces", lambda: float(kernel.diagonal().sum()))
    leading = timed("eigenvalues", lambda: leading_eigenpairs(kernel, modes, width=NARROW))
    density = timed("density", lambda: spectral_density(kernel, deflate=leading))
    dimension = density.effective_dimension(relative=True)
    found |= {"trace": trace, "eigenvalues_found": leading.eigenvalues.tolist(), "errors": leading.errors.tolist()}
    found |= {"effective_dimension": float(dimension), "standard_error": dimension.standard_error}
    if n <= 4096:
        exact = np.linalg.eigvalsh(np.asarray(kernel))[::-1]
        found["largest_error"] = float(np.max(np.abs(leading.eigenvalues / exact[:modes] - 1)))
        found["exact_dimension"] = float(np.sum(exact / (exact + 1e-4 * exact[0])))
    return found


def alone(task, *arguments):
    """`task` of this file in a process of its own, on one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    command = [sys.executable, "-m", "tests.benchmarks.kernel_cost", "child", task, *map(str, arguments)]
    if shutil.which("taskset"):
        command = ["taskset", "-c", "0", *command]
    environment = {**os.environ, **threads, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def print_laplacian(n=1024, shapes=SHAPES):
    print(
        "| network | parameters | CPU s: J Jᵀ, pinnkit, ratio | temporary MB | 10⁹ multiply-adds of the products "
        "| with derivatives | difference |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, (width, depth) in shapes.items():
        found = alone("against_jacobian", width, depth, n)
        ratios = lambda key, found=found: (found["direct"][key], found["factored"][key])
        cells = [
            f"{a:.3g}, {b:.3g}, {a / b:.3g}" for a, b in map(ratios, ("cpu_s", "temporary_mb", "gmac", "gmac_in_all"))
        ]
        print(f"| {name} | {found['parameters']} | {' | '.join(cells)} | {found['difference']:.1e} |", flush=True)


def print_scaling(plot=None, sizes=SIZES):
    """The table; the exponents are fitted to the large sizes, for which compilation hardly counts, or to all if few."""
    import numpy as np

    tasks = ("traces", "eigenvalues", "density")
    rows = []
    print("| n | network | p | " + " | ".join(f"{task}: CPU s, peak MB" for task in tasks) + " | N_eff(1e-4) |")
    print("|---|---|---|---|---|---|---|")
    for n, shape in sizes:
        depth, width = map(int, shape.split("x"))
        found = alone("figures", width, depth, n)
        rows.append((n, found["parameters"], found))
        cells = [f"{found[task]['cpu_s']:.3g}, {found[task]['peak_mb']:.0f}" for task in tasks]
        dimension = f"{found['effective_dimension']:.2f} ± {found['standard_error']:.1g}"
        if "largest_error" in found:
            dimension += f" (exact {found['exact_dimension']:.2f}; eigenvalues to {found['largest_error']:.0e})"
        print(f"| {n} | {shape} | {found['parameters']} | {' | '.join(cells)} | {dimension} |", flush=True)
    large = [row for row in rows if row[0] * row[1] >= LARGE]
    large = large if len(large) > 3 else rows
    for task in tasks:
        for figure, value in (
            ("CPU time", lambda found, task=task: found[task]["cpu_s"]),
            ("memory above the start", lambda found, task=task: max(found[task]["peak_mb"] - found["base_mb"], 1.0)),
        ):
            logs = np.log([[n, p, value(found)] for n, p, found in large])
            (a, b, _), *_ = np.linalg.lstsq(np.column_stack([logs[:, :2], np.ones(len(logs))]), logs[:, 2])
            print(f"\n{task}: {figure} ~ n^{a:.2f} p^{b:.2f}")
    if plot:
        _draw(rows, tasks, plot)


def _draw(rows, tasks, file):
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), constrained_layout=True)
    for marker, task in zip("o^s", tasks, strict=True):
        for color, p in zip(("#1f6f8b", "#c1572b", "#6b8e23"), sorted({row[1] for row in rows}), strict=False):
            series = [(n, found[task]) for n, q, found in rows if q == p]
            n, values = zip(*series, strict=True)
            style = {"marker": marker, "color": color, "label": f"{task}, p = {p:,}"}
            left.loglog(n, [value["cpu_s"] for value in values], **style)
            right.loglog(n, [value["peak_mb"] for value in values], **style)
    for ax, label in ((left, "CPU seconds"), (right, "peak memory of the process (MB)")):
        ax.set(xlabel="points n", ylabel=label)
        ax.grid(alpha=0.3)
    fig.legend(*right.get_legend_handles_labels(), loc="outside right center", fontsize=7)
    fig.savefig(file)


def _peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(globals()[sys.argv[2]](*map(int, sys.argv[3:]))))
    else:
        parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
        parser.add_argument("what", choices=("laplacian", "scaling"))
        parser.add_argument("--plot", help="file for a plot of the scaling")
        arguments = parser.parse_args()
        print_laplacian() if arguments.what == "laplacian" else print_scaling(arguments.plot)
