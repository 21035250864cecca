"""What points chosen by the residual and by the kernel are worth, at equal steps.

    uv run python -m tests.benchmarks.sampling

Burgers' equation, whose residual gathers at the front, and a Poisson problem with a narrow peak. Relative L2 errors of
Levenberg-Marquardt and of `ntk-adam` with each sampler, redrawn every 10 steps: the geometric mean over the seeds,
and in brackets the range. Names of samplers as arguments run those alone.
"""

import dataclasses
import sys

import jax.numpy as jnp
import numpy as np

from pinnkit import SAMPLERS, STRATEGIES, Box, Condition, Problem, Strategy, fit, laplacian
from problems.burgers import burgers

SEEDS = (0, 1)
STEPS = {"gauss-newton": 100, "ntk-adam": 1000}

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def peak(x, y, width):
    return np.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) / (2 * width**2))


def residual(u, x, y, width):
    """Δu = (ρ² − 2) u / width² with ρ the distance from the peak in widths."""
    squared = ((x - 0.3) ** 2 + (y - 0.6) ** 2) / width**2
    return width * (laplacian(u) - (squared - 2) / width**2 * jnp.exp(-squared / 2))


poisson_peak = Problem(
    name="poisson_peak",
    domain=domain,
    coefficients={"width": 0.05},
    conditions={
        "pde": Condition(residual, on=domain.interior),
        "walls": Condition(lambda u: u, on=domain.boundary()),  # the peak is below 2e-8 there
    },
    reference=peak,
)
PROBLEMS = (burgers, poisson_peak)


def without_patience(name: str) -> Strategy:
    """The strategy of that name, which uses all its steps."""
    strategy = STRATEGIES[name]()
    phases = (dataclasses.replace(phase, patience=None) for phase in strategy.phases)
    return dataclasses.replace(strategy, phases=tuple(phases))


def relative_error(problem: Problem, strategy: str, sampler: str, seed: int) -> float:
    run = fit(
        problem,
        strategy=without_patience(strategy),
        sampler=sampler,
        steps=STEPS[strategy],
        seed=seed,
        points=300,
        width=12,
        depth=3,
    )
    assert run.summary.relative_l2 is not None
    return run.summary.relative_l2["u"]


def main(samplers: list[str]) -> None:
    columns = [(problem, strategy) for problem in PROBLEMS for strategy in STEPS]
    print(f"| sampler | {' | '.join(f'{p.name}, `{s}`, {STEPS[s]} steps' for p, s in columns)} |")
    print(f"|---|{len(columns) * '---|'}")
    for sampler in samplers:
        cells = []
        for problem, strategy in columns:
            errors = [relative_error(problem, strategy, sampler, seed) for seed in SEEDS]
            cells.append(f"{np.exp(np.mean(np.log(errors))):.1e} ({min(errors):.0e} to {max(errors):.0e})")
        print(f"| `{sampler}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SAMPLERS))
