"""A fit in a process of its own, which others may break: `python -m tests.faults.worker KIND FOLDER`.

Prints `begun` when the fit begins, and at the end one line of JSON: a sum of everything that was computed.
"""

import argparse
import hashlib
import json
import resource
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import pinnkit
from pinnkit import Checkpoints, Condition, Interval, Problem
from problems.parabolic.burgers import burgers
from tests.problems_for_tests import decay_rate, poisson


def pendulum():
    """u'' = −sin 3u."""
    line = Interval(t=(0.0, 25.0))
    conditions = {
        "pde": Condition(lambda u: u.tt + jnp.sin(3 * u.value), on=line.interior),
        "value": Condition(lambda u: u - 1.0, on=line.start()),
        "rate": Condition(lambda u: u.t, on=line.start()),
    }
    return Problem("pendulum", line, conditions)


SMALL = {"points": 60, "width": 10, "depth": 2}

KINDS = {
    "adam": (poisson(), {"strategy": "ntk-adam", "steps": 60_000, **SMALL}),
    "single": (poisson(), {"strategy": "ntk-adam", "steps": 60_000, "precision": "single", **SMALL}),
    "adaptive": (poisson(), {"strategy": "ntk-soap", "sampler": "residual-adaptive", "steps": 20_000, **SMALL}),
    "phases": (burgers, {"strategy": "ssbroyden", "steps": 1500, **SMALL}),
    "data": (decay_rate(), {"strategy": "ntk-adam", "steps": 60_000, **SMALL}),
    "windows": (pendulum(), {}),
}
"""By name, a problem and the arguments of `fit`; `auto` solves the last one in time windows."""


def sum_of(solution):
    """Of parameters, history and figures, but for what time and memory it took."""
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(solution._params):
        found.update(np.asarray(leaf).tobytes())
    for name, variable in sorted(solution.history.variables.items()):
        if "seconds" not in name and "memory" not in name:
            found.update(f"{name} {variable.dimensions} {variable.values.dtype}".encode())
            found.update(np.ascontiguousarray(variable.values).tobytes())
    summary = solution.summary
    found.update(
        repr(
            (summary.steps, summary.stop_reason, summary.stop_detail, summary.validation_losses, summary.relative_l2)
        ).encode()
    )
    return found.hexdigest()


class Begun(pinnkit.Callback):
    """Tells who watches; from step `at` on no file may be larger than `limit` bytes."""

    def __init__(self, limit, at):
        self.limit, self.at = limit, at

    def start(self, event):
        print("begun", flush=True)

    def progress(self, event):
        if self.limit is not None and event.step >= self.at:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, resource.RLIM_INFINITY))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", action="store_true", help="save nothing")
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--cache", default=str(Path(__file__).parents[2] / ".cache" / "jax"))
    given = parser.parse_args()
    jax.config.update("jax_compilation_cache_dir", given.cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    plan = None if given.plain else Checkpoints(given.folder, every_seconds=given.seconds)
    print(json.dumps({"sum": ended(given.kind, checkpoints=plan, callbacks=[Begun(given.limit, given.at)])["sum"]}))


def ended(kind, **options):
    """The end of a fit of this kind: a sum of everything that was computed, and the steps at which it was resumed."""
    problem, settings = KINDS[kind]
    solution = pinnkit.fit(problem, **settings, **options)
    return {"sum": sum_of(solution), "resumed": solution.run.config.get("resumed", [])}


if __name__ == "__main__":
    main()
