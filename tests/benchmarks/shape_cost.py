"""What a domain costs as it gets more holes, or a mesh more triangles: seconds and memory, each in its own process.

`uv run python -m tests.benchmarks.shape_cost` prints one row for each number of holes (a square less disks) and of
triangles (a ring, plane): of building the domain, of 8192 points inside and 2048 on the boundary, of asking for 10,000
points whether they are inside, and of one trial solve of Δu = 1 with 500 unknowns, twice: with and without compilation.
Exponents at the end are slopes of logarithms between the first and the last row, free of the speed of the machine.
"""

import json
import math
import resource
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Disk, Mesh, Problem, dirichlet, laplacian
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model
from pinnkit.equations.exact.ansatz import find_ansatz
from tests.geometry.meshes import ring

HOLES, TRIANGLES = (1, 4, 16, 64), (100, 1_000, 10_000, 100_000)
INSIDE, ON_BOUNDARY, ASKED, UNKNOWNS = 8192, 2048, 10_000, 500


def with_holes(count):
    """The unit square less a lattice of disks."""
    side = math.isqrt(count)
    centers = (np.arange(side) + 0.5) / side
    square = Box(x=(0.0, 1.0), y=(0.0, 1.0))
    for x in centers:
        for y in centers:
            square = square - Disk(radius=0.25 / side, x=float(x), y=float(y)).named("hole")
    return square


def with_triangles(count):
    """A ring of about so many triangles, twice as many around as across."""
    across = max(round(math.sqrt(count / 16)), 1)
    return Mesh(*ring(8 * across, across))


KINDS = {"holes": (with_holes, HOLES), "triangles": (with_triangles, TRIANGLES)}


def measured(kind, count):
    """Seconds by what is done, and the peak memory of the process in MB over that before."""
    seconds, memory = {}, lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = memory()

    def timed(name, work):
        began = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - began
        return result

    domain = timed("build", lambda: KINDS[kind][0](count))
    timed("parts", lambda: domain.parts)
    unit = np.random.default_rng(0).random((max(INSIDE, ASKED), 2))
    interior, boundary = domain.interior, domain.boundary()
    timed("inside", lambda: interior.points(jnp.asarray(unit[:INSIDE])).coordinates.block_until_ready())
    timed("boundary", lambda: boundary.points(jnp.asarray(unit[:ON_BOUNDARY, :1])).coordinates.block_until_ready())
    low, high = domain.bounds
    timed("contains", lambda: domain.contains(low + unit[:ASKED] * (high - low)))
    problem = Problem(
        "cost",
        domain,
        {"pde": Condition(lambda u: laplacian(u) + 1, on=interior), "wall": dirichlet(boundary)},
    )
    ansatz = find_ansatz(problem, "hard")
    solver = timed(
        "points",
        lambda: FeatureSolver(ansatz.remaining, lambda bandwidth: feature_model(ansatz, UNKNOWNS, bandwidth, 0), 0),
    )
    for name in ("first solve", "solve"):
        timed(name, lambda: solver.solve(solver.params((8.0, 8.0)), 1, weights=lambda: solver.weights))
    return {**seconds, "MB": memory() - before}


def main():
    for kind, (_, counts) in KINDS.items():
        rows = []
        for count in counts:
            command = [sys.executable, "-m", "tests.benchmarks.shape_cost", kind, str(count)]
            rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))  # noqa: S603
        names = list(rows[0])
        print(f"\n{kind:>10} " + " ".join(f"{name:>12}" for name in names))
        for count, row in zip(counts, rows, strict=True):
            print(f"{count:>10} " + " ".join(f"{row[name]:>12.3g}" for name in names))
        growth = math.log(counts[-1] / counts[0])
        slopes = [math.log(max(rows[-1][name], 1e-9) / max(rows[0][name], 1e-9)) / growth for name in names]
        print(f"{'exponent':>10} " + " ".join(f"{slope:>12.2f}" for slope in slopes))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with jax.enable_x64(True):
            print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
