"""What the traces for NTK weights cost: jaxpi's way, a gradient step, and pinnkit's way.

    uv run python -m tests.benchmarks.kernel_weights

Allen-Cahn, u_t = 10⁻⁴ u_xx − 5u³ + 5u on [−1, 1] × [0, 1], on the network and batch of jaxpi's default: 4×256 tanh,
period 2 in x, 256 Fourier features (128 frequencies), float32, 4096 points, 512 for the initial condition.
Compiled, not run, except in `traces`; see `costs` for the meaning of the figures.

jaxpi (github.com/PredictiveIntelligenceLab/jaxpi, `ntk_fn` and `compute_diag_ntk`) takes the gradient of the residual
at every point by `vmap`, and of each the sum of squares; its means over the points are the traces that weigh the
conditions. Here the same is written from scratch. By default jaxpi also factorises its weights, W = V diag(g)
(`factorised=True`). Its frequencies are trained parameters and its time is not rescaled: neither changes the costs
by a percent, and both follow pinnkit here, so that the traces agree.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from pinnkit import MLP, Box, Condition, FourierFeatures, Periodic, Problem, Uniform
from pinnkit.networks.adapters import as_functional
from pinnkit.residuals.forms import block_traces
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of

from .peers.costs import Costs, costs

DIFFUSION = 1e-4
INITIAL_POINTS = 512

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
allen_cahn = Problem(
    name="allen_cahn",
    domain=domain,
    conditions={
        "pde": Condition(lambda u: u.t - DIFFUSION * u.xx + 5 * u**3 - 5 * u, on=domain.interior),
        "initial": Condition(lambda u, x: u - x**2 * jnp.cos(jnp.pi * x), on=domain.start("t")),
    },
)
embedding = FourierFeatures(Periodic(domain, {"x": 2.0}), 128, 1.0)


def initial_layers(width: int = 256, depth: int = 4, factorised: bool = False):
    """A pair (W, b) for each layer; W is a matrix, or a pair (g, V) that stands for V diag(g)."""
    network = MLP(domain, 1, width, depth, embedding=embedding)
    layers = [(layer.weight.T, layer.bias) for layer in (*network.hidden, network.head)]
    if not factorised:
        return layers
    rng = np.random.default_rng(0)
    scales = [jnp.exp(jnp.asarray(rng.normal(0.5, 0.1, b.shape), W.dtype)) for W, b in layers]
    return [((g, W / g), b) for g, (W, b) in zip(scales, layers, strict=True)]


def network(layers, point):
    """u at one point, shape (1,)."""
    h = embedding(point)
    for number, (W, b) in enumerate(layers):
        h = h @ (W[0] * W[1] if isinstance(W, tuple) else W) + b
        h = h if number == len(layers) - 1 else jnp.tanh(h)
    return h


def u(layers, x, t):
    return network(layers, jnp.stack([x, t]))[0]


def pde_residual(layers, x, t):
    """By nested reverse mode, as in jaxpi."""
    u_t, u_xx = jax.grad(u, 2)(layers, x, t), jax.grad(jax.grad(u, 1), 1)(layers, x, t)
    value = u(layers, x, t)
    return u_t + 5 * value**3 - 5 * value - DIFFUSION * u_xx


def initial_residual(layers, x, t):
    return u(layers, x, t) - x**2 * jnp.cos(jnp.pi * x)


RESIDUALS = {"pde": pde_residual, "initial": initial_residual}


def columns(batch):
    """Condition → the coordinates x and t of its points."""
    return {name: (points.coordinates[:, 0], points.coordinates[:, 1]) for name, points in batch.items()}


def jaxpi_traces(layers, batch):
    """Mean over the points of ‖∂r/∂θ‖² for each condition: per-sample gradients as vectors, then inner products."""

    def squared_norm(residual, x, t):
        gradient, _ = ravel_pytree(jax.grad(residual)(layers, x, t))
        return jnp.dot(gradient, gradient)

    return {
        name: jnp.mean(jax.vmap(lambda x, t, r=RESIDUALS[name]: squared_norm(r, x, t))(*points))
        for name, points in columns(batch).items()
    }


def jaxpi_step(layers, batch):
    """One step of gradient descent on the sum of the mean squares."""

    def loss(layers):
        return sum(
            jnp.mean(jax.vmap(RESIDUALS[name], (None, 0, 0))(layers, *points) ** 2)
            for name, points in columns(batch).items()
        )

    return jax.tree.map(lambda value, slope: value - 1e-3 * slope, layers, jax.grad(loss)(layers))


class Setting:
    """The same work for both: jaxpi's `layers`, pinnkit's `residuals` and `params`, and a `batch`."""

    def __init__(self, points: int, width: int = 256, depth: int = 4, factorised: bool = False):
        self.layers = initial_layers(width, depth, factorised)
        model = MLP(domain, 1, width, depth, embedding=embedding)
        functional = as_functional((lambda key: self.layers, network) if factorised else model, domain.dimension)
        self.residuals = ResidualFunctions(allen_cahn, functional)
        self.params = self.residuals.initial_params(functional.params)
        counts = {"pde": points, "initial": min(points, INITIAL_POINTS)}
        self.batch = batch_of(allen_cahn, Uniform().init(allen_cahn, counts, seed=0))

    def pinnkit_traces(self, params, batch):
        """The hook: pinnkit's own function for the traces."""
        return block_traces(self.residuals, params, batch)

    def pinnkit_step(self, params, batch):
        """One step of gradient descent as pinnkit takes it, its derivatives propagated forward."""
        weights = dict.fromkeys(batch, jnp.asarray(2.0))  # its loss has a half in front
        slopes = jax.grad(lambda params: self.residuals.loss(params, batch, weights)[0])(params)
        return jax.tree.map(lambda value, slope: value - 1e-3 * slope, params, slopes)


def traces(points: int = 64, width: int = 32, depth: int = 4, factorised: bool = False) -> dict[str, dict[str, float]]:
    """The traces by both, in the precision in force: {"jaxpi" or "pinnkit": {condition: trace}}."""
    setting = Setting(points, width, depth, factorised)
    jaxpi = jax.jit(jaxpi_traces)(setting.layers, setting.batch)
    pinnkit = jax.jit(setting.pinnkit_traces)(setting.params, setting.batch)
    return {
        "jaxpi": {name: float(value) for name, value in jaxpi.items()},
        "pinnkit": {name: float(value) for name, value in pinnkit.items()},
    }


def figures(points: int = 4096, width: int = 256, depth: int = 4, factorised: bool = False) -> dict[str, Costs]:
    """The costs of the traces and of a gradient step, by jaxpi and by pinnkit."""
    setting = Setting(points, width, depth, factorised)
    return {
        "jaxpi traces": costs(jaxpi_traces, setting.layers, setting.batch),
        "jaxpi step": costs(jaxpi_step, setting.layers, setting.batch),
        "pinnkit traces": costs(setting.pinnkit_traces, setting.params, setting.batch),
        "pinnkit step": costs(setting.pinnkit_step, setting.params, setting.batch),
    }


def main() -> None:
    for factorised in (False, True):
        found = figures(factorised=factorised)
        step = found["pinnkit step"]
        print(f"\n**Allen-Cahn, 4×256, 4096 points, float32{', factorised weights' if factorised else ''}**\n")
        print("| | XLA temporaries MB | GFLOP | ÷ pinnkit step | multiply-adds ·10⁹ | XLA's GFLOP (loops once) |")
        print("|---|---:|---:|---:|---:|---:|")
        for name, cost in found.items():
            cells = f"{cost.temporary_bytes / 1e6:.0f} | {cost.flops / 1e9:.1f} | {cost.flops / step.flops:.2f}"
            print(f"| {name} | {cells} | {cost.multiply_adds / 1e9:.2f} | {cost.xla_flops / 1e9:.1f} |")


if __name__ == "__main__":
    main()
