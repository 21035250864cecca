"""The rules for loss weights side by side: equal network, points and steps of Adam at the rate of the kernel.

    uv run python -m tests.benchmarks.weighting_rules [--steps 2000] [--points 512] [--seeds 3] [--rules trace rba]

Prints a Markdown table of relative L2 errors, for each rule and problem the median over the seeds. The network has
three hidden layers of 32, its conditions are soft, and all rules keep the first points, as `rba` must. `none` is unit
weights. Causal weights need time: Poisson's equation has none.
"""

import argparse
import sys

import numpy as np
import optax

from pinnkit import WEIGHTINGS, NTKLearningRate, Phase, ProblemError, QuasiRandom, Strategy, fit
from problems.elliptic.poisson_2d import poisson_2d
from problems.hyperbolic.wave_1d import wave_1d
from problems.parabolic.burgers import burgers

PROBLEMS = (wave_1d, burgers, poisson_2d)


def relative_error(problem, rule, steps, points, seed):
    """At the end of a run; None where the rule does not apply."""
    weighting = None if rule == "none" else WEIGHTINGS[rule]()
    phase = Phase("adam", optax.scale_by_adam(), NTKLearningRate(), weighting, check_every=500)
    strategy = Strategy("adam", (phase,), QuasiRandom(redraw=None))
    try:
        run = fit(problem, None, strategy, steps=steps, points=points, seed=seed, width=32, depth=3, constraints="soft")
    except ProblemError:
        return None
    assert run.summary.relative_l2 is not None
    return run.summary.relative_l2["u"]


def cell(problem, rule, steps, points, seeds):
    errors = [relative_error(problem, rule, steps, points, seed) for seed in range(seeds)]
    text = "–" if None in errors else f"{np.median(errors):.2g}"
    print(f"{problem.name:12s} {rule:20s} {text}", file=sys.stderr, flush=True)
    return text


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("steps", 2000), ("points", 512), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rules", nargs="+", choices=("none", *WEIGHTINGS), default=("none", *WEIGHTINGS))
    asked = parser.parse_args()
    print(f"| weighting | {' | '.join(problem.name for problem in PROBLEMS)} |")
    print(f"|---|{'---:|' * len(PROBLEMS)}")
    for rule in asked.rules:
        cells = [cell(problem, rule, asked.steps, asked.points, asked.seeds) for problem in PROBLEMS]
        print(f"| `{rule}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
