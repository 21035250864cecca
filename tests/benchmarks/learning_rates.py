"""The rate measured from the kernel against a grid of constant rates, on eight problems.

    uv run python -m tests.benchmarks.learning_rates figures.jsonl [--optimizer soap] [--seeds 3]

All runs have the same steps, points, NTK weights and half cosine; only the rate differs. Runs that the file already
holds are not repeated. The table, in Markdown, gives relative L2 errors; `ratio` is that of the measured rate to the
best of the grid, and `cost` the time of its run against the mean of the grid.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from pinnkit import MLP, Box, Condition, ConstantLearningRate, NTKLearningRate, NTKWeighting, Periodic, Phase, Problem
from pinnkit.diagnostics.evaluation import Measure, ReferenceGrid
from pinnkit.networks.adapters import as_functional
from pinnkit.optimizers.soap import scale_by_soap
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of
from pinnkit.samplers.space_filling import QuasiRandom
from pinnkit.training.state import TrainState
from pinnkit.training.step import take_step
from pinnkit.weighting.fixed import fixed_weights
from problems.elliptic.poisson_1d import poisson_1d
from problems.elliptic.poisson_2d import poisson_2d
from problems.hyperbolic.wave_1d import wave_1d
from problems.parabolic.burgers import burgers

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
OPTIMIZERS: dict[str, Callable[[], optax.GradientTransformation]] = {"adam": optax.scale_by_adam, "soap": scale_by_soap}
SAMPLER = QuasiRandom(redraw=10)

square = Box(x=(-1.0, 1.0), y=(-1.0, 1.0))
ring = Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0))
rod = Box(x=(0.0, 1.0), t=(0.0, 1.0))


helmholtz = Problem(
    name="helmholtz",
    domain=square,
    conditions={
        "pde": Condition(
            lambda u, x, y: u.xx + u.yy + u - (1 - 17 * np.pi**2) * jnp.sin(np.pi * x) * jnp.sin(4 * np.pi * y),
            on=square.interior,
        ),
        "walls": Condition(lambda u: u, on=square.boundary()),
    },
    reference=lambda x, y: np.sin(np.pi * x) * np.sin(4 * np.pi * y),
)
convection = Problem(
    name="convection",
    domain=ring,
    conditions={
        "pde": Condition(lambda u: u.t + 30 * u.x, on=ring.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(x), on=ring.start("t")),
    },
    reference=lambda x, t: np.sin(x - 30 * t),
)


bump = lambda x: -((x - np.pi) ** 2) / (2 * (np.pi / 4) ** 2)
reaction = Problem(
    name="reaction",
    domain=ring,
    conditions={
        "pde": Condition(lambda u: u.t - 5 * u * (1 - u), on=ring.interior),
        "initial": Condition(lambda u, x: u - jnp.exp(bump(x)), on=ring.start("t")),
    },
    reference=lambda x, t: 1 / (1 + np.exp(-5 * t) * np.expm1(-bump(x))),
)
heat = Problem(
    name="heat",
    domain=rod,
    conditions={
        "pde": Condition(lambda u: u.t - 0.1 * u.xx, on=rod.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(2 * jnp.pi * x), on=rod.start("t")),
        "walls": Condition(lambda u: u, on=rod.boundary("x")),
    },
    reference=lambda x, t: np.sin(2 * np.pi * x) * np.exp(-0.4 * np.pi**2 * t),
)


class Case(NamedTuple):
    """A problem, hidden layers of 32, interior points and steps; `periodic` in x."""

    problem: Problem
    depth: int = 3
    points: int = 256
    steps: int = 2000
    periodic: bool = False


CASES = {
    case.problem.name: case
    for case in (
        Case(poisson_1d, depth=2, points=64, steps=3000),
        Case(poisson_2d, depth=2),
        Case(burgers),
        Case(wave_1d),
        Case(helmholtz),
        Case(convection, periodic=True),
        Case(reaction, periodic=True),
        Case(heat),
    )
}


class Bench:
    """Runs of one case with one optimizer and any rate; compiled once for each kind of rate."""

    def __init__(self, case: Case, optimizer: str, seed: int):
        problem, self._steps = case.problem, case.steps
        embedding = Periodic(problem.domain, {"x": 2 * np.pi}) if case.periodic else None
        network = MLP(problem.domain, 1, 32, case.depth, embedding=embedding, seed=seed)
        model = as_functional(network, problem.domain.dimension)
        self._residuals = ResidualFunctions(problem, model)
        counts = point_counts(problem, case.points)
        validation_batch = batch_of(problem, QuasiRandom().init(problem, counts, seed + 1))
        self._measure = Measure(self._residuals, validation_batch, ReferenceGrid.of(problem))
        self._optimizer, self._weighting = OPTIMIZERS[optimizer](), NTKWeighting()
        params = self._residuals.initial_params(model.params)
        layouts, weights = SAMPLER.init(problem, counts, seed), fixed_weights(tuple(problem.conditions), None)
        self._start = TrainState(
            params=params,
            previous=params,
            opt_state=self._optimizer.init(params),
            layouts=layouts,
            weights=weights,
            weighting_state=self._weighting.init(self._residuals, batch_of(problem, layouts), weights),
            rate_state=(),
            key=jr.key(seed),
            step=jnp.asarray(0),
        )
        self._train = eqx.filter_jit(self._scan)

    def _scan(self, rate: Any) -> tuple[TrainState, Any]:
        phase = Phase("bench", self._optimizer, rate, self._weighting)
        step = lambda state, i: take_step(phase, self._residuals, SAMPLER, state, i / self._steps)
        start = self._start
        start = TrainState(**{**vars(start), "rate_state": rate.init(start.params, jr.key(1))})
        return jax.lax.scan(step, start, jnp.arange(self._steps))

    def __call__(self, rate: Any) -> dict[str, float]:
        """Error, largest rate and processor seconds of a run."""
        compiled = self._train.lower(rate).compile()
        began = time.process_time()
        state, infos = jax.block_until_ready(compiled(rate))
        seconds = time.process_time() - began
        error = self._measure.errors(state.params)[0]["u"]
        return {"error": error, "rate": float(jnp.max(infos.learning_rate)), "seconds": seconds}


def constant_rate(value: float) -> ConstantLearningRate:
    """With an array as its value, so that all rates share one compiled program."""
    return eqx.tree_at(lambda rate: rate.value, ConstantLearningRate(value, cosine=True), jnp.asarray(value))


def run_all(
    file: Path, optimizer: str, seeds: int, cases: Mapping[str, Case] = CASES, grid: Sequence[float] = GRID
) -> None:
    """Append every run that `file` does not hold yet."""
    lines = file.read_text().splitlines() if file.exists() else []
    done = {tuple(json.loads(line)[key] for key in ("problem", "optimizer", "seed", "name")) for line in lines}
    for problem, case in cases.items():
        for seed in range(seeds):
            rates: dict[str, Any] = {f"{value:g}": constant_rate(value) for value in grid}
            rates["measured"] = NTKLearningRate()
            missing = {name: rate for name, rate in rates.items() if (problem, optimizer, seed, name) not in done}
            bench = Bench(case, optimizer, seed) if missing else None
            for name, rate in missing.items():
                record = {"problem": problem, "optimizer": optimizer, "seed": seed, "name": name, **bench(rate)}
                with file.open("a") as out:
                    out.write(json.dumps(record) + "\n")


def table(file: Path, optimizer: str, cases: Mapping[str, Case] = CASES, grid: Sequence[float] = GRID) -> str:
    """Geometric means over the seeds, in Markdown."""
    records = [record for record in map(json.loads, file.read_text().splitlines()) if record["optimizer"] == optimizer]
    names = [f"{value:g}" for value in grid]
    rows = [f"| problem | {' | '.join(names)} | measured | rate | ratio | cost |", "|---" * (len(names) + 5) + "|"]
    mean = lambda values: float(np.exp(np.mean(np.log(values))))
    for problem in cases:
        of = lambda key, name, problem=problem: mean(
            [record[key] for record in records if (record["problem"], record["name"]) == (problem, name)]
        )
        errors, measured = [of("error", name) for name in names], of("error", "measured")
        cost = of("seconds", "measured") / mean([of("seconds", name) for name in names])
        cells = [f"{error:.1e}" for error in (*errors, measured, of("rate", "measured"))]
        rows.append(f"| {problem} | {' | '.join(cells)} | {measured / min(errors):.2f} | {cost:.2f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="results as JSON lines; runs that it holds are not repeated")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    with jax.enable_x64(True):
        run_all(arguments.file, arguments.optimizer, arguments.seeds)
    print(table(arguments.file, arguments.optimizer))


if __name__ == "__main__":
    main()
