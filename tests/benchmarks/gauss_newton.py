"""The cost of a Gauss-Newton step in each form, and the benefit of momentum and fresh points.

    OPENBLAS_NUM_THREADS=1 XLA_FLAGS=--xla_cpu_multi_thread_eigen=false \\
        taskset -c 0 uv run python -m tests.benchmarks.gauss_newton [parts|forms|training]

Times are those of the processor, the least of several runs taken in turns, in float64, and are printed as ratios.
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.linalg.blas

from pinnkit import MLP, Condition, Problem, QuasiRandom, levenberg_marquardt
from pinnkit._base.linalg.damped import lower_gram, solve_damped
from pinnkit.diagnostics.evaluation import Measure, ReferenceGrid
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import FunctionalModel
from pinnkit.residuals.cost import costs, linearize_for_solving
from pinnkit.residuals.forms import linearize, linearize_by_kernel, linearize_matrix_free
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of
from problems.elliptic.poisson_1d import poisson_1d
from problems.hyperbolic.wave_1d import wave_1d
from problems.parabolic.burgers import burgers

FORMS = {"jacobian": linearize, "kernel": linearize_by_kernel, "products": linearize_matrix_free}


class Setting:
    """Residuals of a problem, parameters of a network, a batch and unit weights."""

    def __init__(self, problem: Problem, width: int, depth: int, points: int, model: FunctionalModel | None = None):
        dimension = problem.domain.dimension
        model = model or as_functional(MLP(problem.domain, 1, width, depth), dimension)
        self.problem, self.residuals = problem, ResidualFunctions(problem, model)
        self.params = self.residuals.initial_params(model.params)
        self.counts = point_counts(problem, points)
        self.batch = batch_of(problem, QuasiRandom().init(problem, self.counts, seed=0))
        self.weights = dict.fromkeys(self.batch, jnp.asarray(1.0))

    @property
    def size(self) -> tuple[int, int]:
        """n and p."""
        rows = sum(self.residuals.rows(name, count) for name, count in self.counts.items())
        return rows, sum(leaf.size for leaf in jax.tree.leaves(self.params))

    def step(self, form):
        """A damped step with a form of the linearization, compiled."""

        def solve(params, batch):
            at = form(self.residuals, params, batch, self.weights)
            return at.damped_solver(1e-2)(1e-3 * at.mean_eigenvalue, at.residual)

        compiled = jax.jit(solve)
        return lambda: compiled(self.params, self.batch)


def seconds(functions: dict, repeats: int = 4) -> dict[str, float]:
    """The least time of each function, measured in turns after one run to compile."""
    found = dict.fromkeys(functions, np.inf)
    for function in functions.values():
        jax.block_until_ready(function())
    for _ in range(repeats):
        for name, function in functions.items():
            began = time.process_time()
            jax.block_until_ready(function())
            found[name] = min(found[name], time.process_time() - began)
    return found


def part_times(setting: Setting) -> dict[str, float]:
    """The parts of a dense step, and two other ways to the Gram matrix."""
    residuals, weights = setting.residuals, setting.weights
    at = jax.jit(lambda params, batch: linearize(residuals, params, batch, weights).jacobian)
    loss = jax.jit(lambda params, batch: residuals.loss(params, batch, weights)[0])
    gradient = jax.jit(jax.grad(lambda params, batch: residuals.loss(params, batch, weights)[0]))
    J = at(setting.params, setting.batch)
    short = min(J.shape)
    rows = (lambda J: J) if len(J) == short else (lambda J: jax.lax.optimization_barrier(J.T))
    gram = jax.jit(lambda J: lower_gram(rows(J)))
    plain = jax.jit((lambda J: J @ J.T) if len(J) == short else (lambda J: J.T @ J))
    matrix, b = gram(J), jnp.ones(short)
    solve = jax.jit(lambda matrix, b: solve_damped(matrix, 1e-3 * jnp.trace(matrix) / short, b))
    transposed = np.asarray(J).T
    return seconds(
        {
            "Gram": lambda: gram(J),
            "Gram by XLA": lambda: plain(J),
            "Gram by dsyrk": lambda: scipy.linalg.blas.dsyrk(1.0, transposed, trans=len(J) == short, lower=1),
            "Cholesky, solve": lambda: solve(matrix, b),
            "J": lambda: at(setting.params, setting.batch),
            "gradient": lambda: gradient(setting.params, setting.batch),
            "loss": lambda: loss(setting.params, setting.batch),
        }
    )


PARTS = ((burgers, 20, 4, 800), (burgers, 20, 5, 2400), (burgers, 30, 3, 2400), (wave_1d, 20, 4, 2000))
"""Problem, width, depth and points of the table `parts`."""


def parts(cases=PARTS) -> None:
    for number, (problem, width, depth, points) in enumerate(cases):
        setting = Setting(problem, width, depth, points)
        found = part_times(setting)
        if not number:
            print(f"| ÷ Gram | n × p | {' | '.join(found)} |\n|---|---|{'---:|' * len(found)}")
        n, p = setting.size
        ratios = " | ".join(f"{value / found['Gram']:.2f}" for value in found.values())
        print(f"| {problem.name}, {depth}×{width} | {n} × {p} | {ratios} |", flush=True)


FORM_CASES = ((20, 4, 400), (20, 4, 1600), (48, 4, 800), (100, 4, 400))
"""Width, depth and points of the table `forms`."""


def forms(cases=FORM_CASES) -> None:
    print("| burgers, network | n × p | kernel ÷ Jacobian | products ÷ Jacobian | estimates | chosen |")
    print("|---|---|---:|---:|---|---|")
    for width, depth, points in cases:
        setting = Setting(burgers, width, depth, points)
        found = seconds({name: setting.step(form) for name, form in FORMS.items()}, repeats=2)
        work = {name: cost.work for name, cost in costs(setting.residuals, setting.params, setting.batch).items()}
        n, p = setting.size
        measured = " | ".join(f"{found[name] / found['jacobian']:.2f}" for name in ("kernel", "products"))
        guessed = ", ".join(f"{work[name] / work['jacobian']:.2f}" for name in ("kernel", "products"))
        print(f"| {depth}×{width} | {n} × {p} | {measured} | {guessed} | {min(work, key=work.get)} |", flush=True)


def hard_burgers(width: int, depth: int, points: int) -> Setting:
    """Burgers' equation alone; the initial and boundary values are those of the model."""
    network = as_functional(MLP(burgers.domain, 1, width, depth), 2)
    start, walls = lambda x: -jnp.sin(jnp.pi * x[:1]), lambda x: x[1:] * (1 - x[:1] ** 2)
    model = FunctionalModel(
        network.params, lambda params, x: start(x) + walls(x) * network.apply(params, x), network.merge
    )
    conditions = {"pde": Condition(burgers.conditions["pde"].residual, on=burgers.domain.interior)}
    problem = Problem("burgers_hard", burgers.domain, conditions, ("u",), burgers.coefficients, burgers.reference)
    return Setting(problem, width, depth, points, model)


def errors(setting: Setting, steps: int, redraw: int, momentum: float) -> tuple[float, float]:
    """Validation over training loss, and the relative error of u, after `steps` steps."""
    residuals, weights = setting.residuals, setting.weights
    sampler, optimizer = QuasiRandom(redraw=redraw), levenberg_marquardt(momentum=momentum)
    start = sampler.init(setting.problem, setting.counts, seed=0)

    def step(carry, number):
        params, state, layouts, key = carry
        key, draw_key = jax.random.split(key)
        due = (number > 0) & (number % redraw == 0)
        layouts = jax.lax.cond(
            due, lambda: sampler.draw(layouts, draw_key, residuals, params, weights), lambda: layouts
        )
        batch = batch_of(setting.problem, layouts)
        update, state = optimizer.update(
            params,
            state,
            params,
            value_fn=lambda params: residuals.loss(params, batch, weights)[0],
            linearize=lambda: linearize_for_solving(residuals, params, batch, weights),
        )
        params = optax.apply_updates(params, update)
        return (params, state, layouts, key), residuals.loss(params, batch, weights)[0]

    carry = setting.params, optimizer.init(setting.params), start, jax.random.key(0)
    (params, *_), losses = jax.jit(lambda carry: jax.lax.scan(step, carry, jnp.arange(steps)))(carry)
    validation_batch = batch_of(setting.problem, sampler.init(setting.problem, setting.counts, seed=10_007))
    measure = Measure(residuals, validation_batch, ReferenceGrid.of(setting.problem))
    validation_loss = 0.5 * sum(measure.validation_losses(params).values())
    return validation_loss / float(losses[-1]), measure.errors(params)[0]["u"]


TRAINING = {
    "poisson_1d, 2×32, 128 points, 150 steps": (lambda: Setting(poisson_1d, 32, 2, 128), 150),
    "burgers, hard conditions, 4×16, 400 points, 150 steps": (lambda: hard_burgers(16, 4, 400), 150),
    "burgers, hard conditions, 4×16, 1800 points, 150 steps": (lambda: hard_burgers(16, 4, 1800), 150),
}
"""Setting and steps of the rows of the table `training`."""


def training(cases=TRAINING) -> None:
    print("| | new points every | momentum | validation ÷ training loss | relative L2 |\n|---|---:|---:|---:|---:|")
    for name, (make, steps) in cases.items():
        for redraw, momentum in [(10, 0.0), (1, 0.0), (1, 0.9)]:
            ratio, error = errors(make(), steps, redraw, momentum)
            print(f"| {name} | {redraw} | {momentum} | {ratio:.1f} | {error:.1e} |", flush=True)


def main() -> None:
    tables = {"parts": parts, "forms": forms, "training": training}
    with jax.enable_x64(True):
        for name in sys.argv[1:] or tables:
            tables[name]()


if __name__ == "__main__":
    main()
