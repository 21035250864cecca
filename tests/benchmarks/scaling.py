"""What several processes give, and many points on one machine.

    uv run python -m tests.benchmarks.scaling steps      # strong and weak scaling of a step over 1 and 2 processes
    uv run python -m tests.benchmarks.scaling traffic    # numbers sent, by the formulas and by the compiled programs
    uv run python -m tests.benchmarks.scaling points     # 65,536 points in blocks beside 4,096 with the Jacobian

Each process of `steps` has one core, so that two do not compete; times are the least of several. On a machine with one
core, or while others work on it, the figures mean nothing.
"""

import argparse
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time

import jax
import jax.numpy as jnp

FORMS = ("gradient", "linearize", "linearize_by_normal_matrix", "linearize_matrix_free")

REPEATS = 5


def prepared(points, width):
    """Residuals, parameters and points of the Burgers problem with a network of two hidden layers."""
    from pinnkit import MLP
    from pinnkit.networks.adapters import as_functional
    from pinnkit.residuals.functions import ResidualFunctions
    from pinnkit.samplers.counts import point_counts
    from pinnkit.samplers.sampler import batch_of
    from pinnkit.samplers.space_filling import QuasiRandom
    from problems.parabolic.burgers import burgers

    problem = burgers
    model = as_functional(MLP(problem.domain, 1, width=width, depth=2, seed=0), 2)
    residuals = ResidualFunctions(problem, model)
    batch = batch_of(problem, QuasiRandom().init(problem, point_counts(problem, points), 0))
    return residuals, residuals.initial_params(model.params), batch, dict.fromkeys(problem.conditions, jnp.ones(()))


def step_of(form, residuals, batch, weights):
    from pinnkit.residuals import forms

    if form == "gradient":
        return jax.jit(jax.grad(lambda params: residuals.loss(params, batch, weights)[0]))

    def step(params):
        at = getattr(forms, form)(residuals, params, batch, weights)
        return at.damped_solver(1e-6)(1e-6 * at.mean_eigenvalue, at.residual)

    return jax.jit(step)


def seconds(function, *arguments):
    found = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        found.append(time.perf_counter() - began)
    return min(found[1:])


def worker(arguments):
    """Times of each form, printed by the first process."""
    if arguments.processes > 1:
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        jax.distributed.initialize(arguments.coordinator, arguments.processes, arguments.index)
    from pinnkit import sharded

    with jax.enable_x64(True), sharded():
        residuals, params, batch, weights = prepared(arguments.points, arguments.width)
        times = {form: seconds(step_of(form, residuals, batch, weights), params) for form in FORMS}
    if arguments.index == 0:
        print(json.dumps(times))


def timed(processes, points, width):
    """The times of some processes, each on a core of its own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    cores, team = sorted(os.sched_getaffinity(0)), []
    for index in range(processes):
        line = [sys.executable, "-m", "tests.benchmarks.scaling", "worker", "--coordinator", f"127.0.0.1:{port}"]
        line += ["--processes", str(processes), "--index", str(index), "--points", str(points), "--width", str(width)]
        own = {cores[index % len(cores)]}
        pin = lambda own=own: os.sched_setaffinity(0, own)
        team.append(subprocess.Popen(line, stdout=subprocess.PIPE, preexec_fn=pin))
    outputs = [process.communicate()[0] for process in team]
    return json.loads(outputs[0].splitlines()[-1])


def steps(arguments):
    one = timed(1, arguments.points, arguments.width)
    strong, weak = timed(2, arguments.points, arguments.width), timed(2, 2 * arguments.points, arguments.width)
    print(f"{arguments.points:,} points, width {arguments.width}: seconds of a step, and what two processes give")
    for form in FORMS:
        ratio = one[form] / strong[form]
        print(
            f"{form:28} {one[form]:8.3f} s   as many points: {ratio:4.2f} times as fast   "
            f"twice as many: {one[form] / weak[form]:4.2f} of the pace"
        )


def sent(text, devices):
    """Numbers that each device sends, from the collectives of a compiled program."""
    total = 0.0
    for shape, operation in re.findall(r"= (.*?) (all-gather|all-reduce|all-to-all|collective-permute)\(", text):
        numbers = sum(_product(dims) for dims in re.findall(r"f64\[([\d,]*)\]", shape))
        share = (devices - 1) / devices
        total += numbers * {"all-reduce": 2 * share, "all-gather": share, "all-to-all": share}.get(operation, 1.0)
    return total


def _product(dims):
    out = 1
    for k in dims.split(","):
        out *= int(k) if k else 1
    return out


def traffic(arguments):
    from pinnkit import sharded
    from pinnkit.residuals.cost import costs

    names = {"linearize": "jacobian", "linearize_by_kernel": "kernel", "linearize_by_normal_matrix": "normal"}
    with jax.enable_x64(True), sharded() as devices:
        for points, width in ((400, 10), (200, 40)):
            residuals, params, batch, weights = prepared(points, width)
            for form, name in names.items():
                text = step_of(form, residuals, batch, weights).lower(params).compile().as_text()
                found, formula = sent(text, len(devices)), costs(residuals, params, batch)[name].sent
                print(
                    f"{points} points, width {width}, {form}: {found:,.0f} numbers sent, {formula:,.0f} by the formula"
                )


def points(arguments):
    import pinnkit
    from problems.parabolic.burgers import burgers

    for count in (4096, 65_536):
        solution = pinnkit.fit(
            burgers, strategy="gauss-newton", points=count, width=20, depth=3, budget=arguments.budget, progress=False
        )
        checks = solution.history.checks
        marks = [check for k, check in enumerate(checks) if k % max(len(checks) // 6, 1) == 0 or check is checks[-1]]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{count:,} points: relative L2 error {solution.summary.relative_l2['u']:.2e}, peak memory {peak:.1f} GiB"
        )
        print(
            "   " + ", ".join(f"{check.relative_l2['u']:.1e} after {check.seconds:.0f} s" for check in marks),
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["steps", "traffic", "points", "worker"])
    parser.add_argument("--points", type=int, default=4000)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--budget", type=float, default=300.0)
    parser.add_argument("--coordinator")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--index", type=int, default=0)
    arguments = parser.parse_args()
    {"steps": steps, "traffic": traffic, "points": points, "worker": worker}[arguments.what](arguments)


if __name__ == "__main__":
    main()
