"""Whether two versions of pinnkit give the same numbers, to the last bit, on the same machine.

    python -m tests.benchmarks.identical --output before.json
    python -m tests.benchmarks.identical --against before.json

Five problems with three training schedules and fixed seeds: the fields at fixed points, the loss and the steps.
"""

import argparse
import hashlib
import json
from pathlib import Path

import jax
import numpy as np

import pinnkit
from pinnkit.equations.registry import find_problem
from pinnkit.geometry.reference_cube import from_unit

PROBLEMS = ("poisson_1d", "helmholtz_2d", "wave_1d", "reaction", "kovasznay")
SCHEDULES = {
    "auto": {},
    "ntk-adam": {"steps": 300, "width": 20, "depth": 2, "points": 256},
    "gauss-newton": {"steps": 15, "width": 20, "depth": 2, "points": 256},
}


def figures(name, schedule):
    """What a run ends with, and a digest of its fields."""
    problem = find_problem(name)
    solution = pinnkit.fit(problem, strategy=schedule, seed=0, **SCHEDULES[schedule])
    box = problem.domain
    unit = np.random.default_rng(0).random((1000, box.dimension))
    x = from_unit(unit, box.bounds)
    fields = solution(**dict(zip(box.coordinates, x.T, strict=True)))
    named = fields if isinstance(fields, dict) else {"": fields}
    digest = hashlib.sha256(b"".join(np.asarray(named[key]).tobytes() for key in sorted(named)))
    return {"digest": digest.hexdigest(), "loss": solution.summary.loss, "steps": solution.summary.steps}


def all_figures(problems, schedules):
    """Of every problem with every schedule, shown as they are found."""
    found = {}
    for name in problems:
        for schedule in schedules:
            jax.clear_caches()
            found[f"{name} {schedule}"] = figures(name, schedule)
            print(f"{name:14} {schedule:14} {found[f'{name} {schedule}']}", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--schedules", nargs="+", default=list(SCHEDULES))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    found = all_figures(options.problems, options.schedules)
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.against:
        before = json.loads(options.against.read_text(encoding="utf-8"))
        different = [key for key in found if found[key] != before.get(key)]
        print(f"{len(found) - len(different)} of {len(found)} are the same to the last bit", *different, sep="\n  ")
        raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
