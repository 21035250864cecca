"""The cost of a plain training step against the best code written by hand, and the time until the first figures.

    XLA_FLAGS=--xla_cpu_multi_thread_eigen=false taskset -c 0 uv run python -m tests.benchmarks.step_cost

The work: 4×64 tanh, float32, Adam at 10⁻³; Burgers (ν = 0.01/π, 2048 interior, 128 boundary and 128 initial points)
and the Poisson equation on the square (2048 and 400). pinnkit's step is that of `fit(..., "adam", precision="single")`:
the compiled stretch of its trainer, with fresh points every ten steps, its check for finite values and its record.
The other is one loss with value, slopes and curvatures carried through the layers by hand, Adam written out, on fixed
points, and nothing recorded but the loss. Both run 100 steps in one `lax.scan`, alternately in one process.

The first figures are the first loss that `pinnkit solve poisson_1d` reports, with compiled programs kept: after the
first linear solve of the default strategy, and after the first hundred steps of `--strategy adam`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pinnkit import MLP, Problem
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import cast
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.training.built_in import adam
from pinnkit.training.phase_start import enter_phase
from pinnkit.training.state import TrainState
from pinnkit.training.step import take_step, take_steps
from problems.elliptic.poisson_2d import poisson_2d
from problems.parabolic.burgers import burgers


@dataclass(frozen=True)
class Work:
    """A problem, its points, the hidden layers of the network, and the steps of a stretch."""

    problem: Problem
    points: Mapping[str, int]
    width: int = 64
    depth: int = 4
    steps: int = 100


WORK = {
    "burgers": Work(burgers, {"pde": 2048, "walls": 128, "initial": 128}),
    "poisson_2d": Work(poisson_2d, {"pde": 2048, "walls": 400}),
}


class Run(NamedTuple):
    """A compiled stretch of steps, from a state and their number to a state with a record, and the first state."""

    stretch: Any
    state: Any


# pinnkit.


def pinnkit_run(work: Work) -> Run:
    """The stretch of the trainer for plain Adam in single precision, as `fit` compiles it."""
    strategy, problem = adam(), work.problem
    (phase,) = strategy.phases
    model = as_functional(MLP(problem.domain, 1, work.width, work.depth), problem.domain.dimension)
    residuals = ResidualFunctions(problem, cast(model, jnp.float32))
    params = residuals.initial_params(cast(model.params, jnp.float32))
    state = TrainState(
        params=params,
        previous=params,
        opt_state=(),
        layouts=strategy.sampler.init(problem, dict(work.points), seed=0),
        weights=dict.fromkeys(problem.conditions, jnp.asarray(2.0)),
        weighting_state=(),
        rate_state=(),
        key=jr.key(0),
        step=jnp.asarray(0),
    )
    state = enter_phase(phase, residuals, state)
    step = lambda state, progress: take_step(phase, residuals, strategy.sampler, state, progress)
    nought = jnp.zeros(())
    stretch = jax.jit(lambda state, count: take_steps(step, work.steps, state, count, nought, nought)[:2])
    return Run(stretch.lower(state, work.steps).compile(), state)


# By hand.


def propagate(layers, x, seconds, firsts=()):
    """u, and for each direction of `seconds` (u_d, u_dd), of `firsts` u_d, at points of shape (n, 2)."""
    W, b = layers[0]
    z = x @ W + b
    slopes = {d: jnp.broadcast_to(W[d], z.shape) for d in (*seconds, *firsts)}
    curvatures = {d: jnp.zeros_like(z) for d in seconds}
    for W, b in layers[1:]:
        t = jnp.tanh(z)
        s = 1 - t * t
        curvatures = {d: s * (c - 2 * t * slopes[d] ** 2) for d, c in curvatures.items()}
        slopes = {d: s * a for d, a in slopes.items()}
        z = t @ W + b
        slopes = {d: a @ W for d, a in slopes.items()}
        curvatures = {d: c @ W for d, c in curvatures.items()}
    return z, slopes, curvatures


def network(layers, x):
    for W, b in layers[:-1]:
        x = jnp.tanh(x @ W + b)
    W, b = layers[-1]
    return x @ W + b


def burgers_by_hand(rng: np.random.Generator, pde: int, walls: int, initial: int) -> Callable[[Any], Any]:
    inside = jnp.asarray(rng.uniform((-1, 0), (1, 1), (pde, 2)), jnp.float32)
    ends = np.column_stack([np.repeat((-1.0, 1.0), walls // 2), rng.uniform(0, 1, walls)])
    ends, start = jnp.asarray(ends, jnp.float32), np.column_stack([rng.uniform(-1, 1, initial), np.zeros(initial)])
    start = jnp.asarray(start, jnp.float32)

    def loss(layers):
        u, slopes, curvatures = propagate(layers, inside, (0,), (1,))
        r = slopes[1] + u * slopes[0] - 0.01 / np.pi * curvatures[0]
        initial = network(layers, start) + jnp.sin(jnp.pi * start[:, :1])
        return jnp.mean(r**2) + jnp.mean(network(layers, ends) ** 2) + jnp.mean(initial**2)

    return loss


def poisson_by_hand(rng: np.random.Generator, pde: int, walls: int) -> Callable[[Any], Any]:
    inside = jnp.asarray(rng.uniform(0, 1, (pde, 2)), jnp.float32)
    free, side = rng.uniform(0, 1, walls // 4), np.repeat((0.0, 1.0), walls // 4)
    edges = [np.column_stack([side, np.tile(free, 2)]), np.column_stack([np.tile(free, 2), side])]
    edge = jnp.asarray(np.concatenate(edges), jnp.float32)

    def loss(layers):
        _, _, curvatures = propagate(layers, inside, (0, 1))
        source = 2 * jnp.pi**2 * jnp.sin(jnp.pi * inside[:, :1]) * jnp.sin(jnp.pi * inside[:, 1:])
        return jnp.mean((curvatures[0] + curvatures[1] + source) ** 2) + jnp.mean(network(layers, edge) ** 2)

    return loss


BY_HAND = {"burgers": burgers_by_hand, "poisson_2d": poisson_by_hand}


def initial_layers(rng: np.random.Generator, width: int, depth: int):
    sizes = [2, *depth * [width], 1]
    glorot = lambda a, b: jnp.asarray(rng.normal(size=(a, b)) * np.sqrt(2 / (a + b)), jnp.float32)
    return [(glorot(a, b), jnp.zeros(b, jnp.float32)) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]


def hand_run(work: Work) -> Run:
    rng = np.random.default_rng(0)
    layers, loss = initial_layers(rng, work.width, work.depth), BY_HAND[work.problem.name](rng, **work.points)

    def step(carry, _):
        layers, mean, square, count = carry
        value, gradient = jax.value_and_grad(loss)(layers)
        count = count + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradient)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), layers, mean, square)
        return (layers, mean, square, count), value

    zeros = jax.tree.map(jnp.zeros_like, layers)
    state = (layers, zeros, zeros, jnp.float32(0))
    stretch = jax.jit(lambda carry, count: jax.lax.scan(step, carry, length=work.steps))
    return Run(stretch.lower(state, work.steps).compile(), state)


# Measuring.


def milliseconds(runs: dict[str, Run], steps: int, rounds: int) -> dict[str, float]:
    """CPU time of a step, the least of `rounds` stretches of `steps` steps, all runs taking turns."""
    states = {name: jax.block_until_ready(run.stretch(run.state, steps)[0]) for name, run in runs.items()}
    least = dict.fromkeys(runs, np.inf)
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            states[name] = jax.block_until_ready(run.stretch(states[name], steps)[0])
            least[name] = min(least[name], 1e3 * (time.process_time() - began) / steps)
    return least


def costs(work: Mapping[str, Work] = WORK, rounds: int = 30) -> dict[str, dict[str, float]]:
    """Milliseconds a step by problem: by `pinnkit` and by `hand`."""
    return {
        name: milliseconds({"pinnkit": pinnkit_run(each), "hand": hand_run(each)}, each.steps, rounds)
        for name, each in work.items()
    }


# From the start of a process.

_FIRST_FIGURES = """
import os, sys, time
from pinnkit.cli.app import main
from pinnkit.report.live import LiveFile

def stop(self, event):
    sys.stdout.write(str(time.process_time()))
    sys.stdout.flush()
    os._exit(0)

LiveFile.progress = stop
main(["solve", "poisson_1d", "--quiet", "--output", *sys.argv[1:]])
"""


def seconds_to_first_figures(*options: str, rounds: int = 5) -> float:
    """CPU time of `pinnkit solve poisson_1d OPTIONS` until it reports its first loss, the least of `rounds`.

    The program runs once before, so that compiled programs are in the cache.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax", "PYTHONDONTWRITEBYTECODE": ""}
        environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"  # as the command line sets it
        command = [sys.executable, "-c", _FIRST_FIGURES, f"{folder}/run", *options]
        run = lambda: subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
        run()
        return min(float(run().stdout) for _ in range(rounds))


def main() -> None:
    print("| CPU milliseconds a step | pinnkit | by hand | ratio |\n|---|---:|---:|---:|")
    for name, cost in costs().items():
        ratio = cost["pinnkit"] / cost["hand"]
        print(f"| {name} | {cost['pinnkit']:.2f} | {cost['hand']:.2f} | {ratio:.2f} |", flush=True)
    default, trained = seconds_to_first_figures(), seconds_to_first_figures("--strategy", "adam")
    print(f"\nCPU seconds until the first figures: {default:.1f} by default, {trained:.1f} with `--strategy adam`")


if __name__ == "__main__":
    main()
