"""The benefit of points chosen by the residual and by the kernel, at equal steps.

    uv run python -m tests.benchmarks.sampling

Burgers' equation, whose residual gathers at the front, and a Poisson problem with a narrow peak. Relative L2 errors of
Levenberg-Marquardt and of `ntk-adam` with each sampler, redrawn every 10 steps: the geometric mean over the seeds,
and in brackets the range. Only the steps are run, without checks and diagnostics. Arguments are names of samplers, by
default all.
"""

import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pinnkit import SAMPLERS, STRATEGIES, Box, Condition, Problem, laplacian
from pinnkit.diagnostics.evaluation import Measure, ReferenceGrid
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.default import default_network
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import AbstractSampler, batch_of
from pinnkit.training.phase import Phase
from pinnkit.training.state import TrainState
from pinnkit.training.step import take_step
from pinnkit.weighting.fixed import fixed_weights
from problems.parabolic.burgers import burgers

SEEDS = (0, 1, 2)
STEPS = {"gauss-newton": 100, "ntk-adam": 1000}
POINTS, WIDTH, DEPTH = 300, 12, 3

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def peak(x, y, width):
    return np.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) / (2 * width**2))


def residual(u, x, y, width):
    """Δu = (ρ² − 2) u / width² with ρ the distance from the peak in widths; both sides times the width."""
    squared = ((x - 0.3) ** 2 + (y - 0.6) ** 2) / width**2
    return width * laplacian(u) - (squared - 2) / width * jnp.exp(-squared / 2)


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


def network(problem: Problem, seed: int):
    return as_functional(default_network(problem.domain, 1, WIDTH, DEPTH, seed), problem.domain.dimension)


def first_state(
    residuals: ResidualFunctions, phase: Phase, sampler: AbstractSampler, seed: int, points: int
) -> TrainState:
    problem, key = residuals.problem, jr.key(seed)
    layouts = sampler.init(problem, point_counts(problem, points), seed)
    weights, batch = fixed_weights(tuple(problem.conditions), None), batch_of(problem, layouts)
    params = residuals.initial_params(jax.tree.map(lambda p: p.astype(float), network(problem, seed).params))
    return TrainState(
        params=params,
        previous=params,
        opt_state=phase.optimizer.init(params),
        layouts=layouts,
        weights=weights,
        weighting_state=() if phase.weighting is None else phase.weighting.init(residuals, batch, weights),
        rate_state=() if phase.learning_rate is None else phase.learning_rate.init(params, key),
        key=key,
        step=jnp.asarray(0),
    )


def relative_errors(
    problem: Problem, strategy: str, sampler: AbstractSampler, steps: int, seeds=SEEDS, points: int = POINTS
) -> list[float]:
    """The error for each seed."""
    with jax.enable_x64(True):
        residuals, (phase,) = ResidualFunctions(problem, network(problem, 0)), STRATEGIES[strategy]().phases
        body = lambda state, i: take_step(phase, residuals, sampler, state, i / steps)
        train = jax.jit(lambda state: jax.lax.scan(body, state, jnp.arange(steps))[0])
        states = [train(first_state(residuals, phase, sampler, seed, points)) for seed in seeds]
        measure = Measure(residuals, batch_of(problem, states[0].layouts), ReferenceGrid.of(problem))
        return [measure.errors(state.params)[0]["u"] for state in states]


def main(samplers: list[str]) -> None:
    columns = [(problem, strategy) for problem in PROBLEMS for strategy in STEPS]
    print(f"| sampler | {' | '.join(f'{p.name}, `{s}`, {STEPS[s]} steps' for p, s in columns)} |")
    print(f"|---|{len(columns) * '---|'}")
    for sampler in samplers:
        cells = []
        for problem, strategy in columns:
            errors = relative_errors(problem, strategy, SAMPLERS.of(sampler), STEPS[strategy])
            cells.append(f"{np.exp(np.mean(np.log(errors))):.1e} ({min(errors):.1e} to {max(errors):.1e})")
        print(f"| `{sampler}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SAMPLERS))
