r"""Time windows: one window after the other, each starting from where the last one ended.

Early times have to be learned before late ones, and a network of given size resolves a short time better than a long
one. Within a window the values to start from are those of a small network in space, fitted to the end of the window
before (or to the declared initial values), so every window has the same form and is compiled once. The length of the
windows follows what is left of the held-out residual, as step sizes do in integrators.

Wight & Zhao, *Solving Allen-Cahn and Cahn-Hilliard equations using the adaptive physics informed neural networks*,
Commun. Comput. Phys. 29, 2021; Krishnapriyan et al., *Characterizing possible failure modes in physics-informed neural
networks*, NeurIPS 2021.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._types import TIME_NAMES, Params
from .ansatz import Ansatz, Pin, prescribed
from .bandwidth import Bandwidth
from .domains import Box
from .domains.box import Faces, Interior
from .domains.region import Points
from .least_squares import least_squares
from .model import FunctionalModel, as_functional
from .networks import SineFeatures
from .problem import Problem
from .residuals import Batch


@dataclasses.dataclass(frozen=True)
class Marching:
    """How a problem is solved window by window.

    - `ansatz`: with everything but the start by construction; `problem`: what is left in the loss of a window;
    - `axis`: of time; `pins`: the values to start from, of every field that changes in time.
    """

    ansatz: Ansatz
    problem: Problem
    axis: int
    pins: tuple[Pin, ...]

    @property
    def domain(self) -> Box:
        return self.problem.domain

    def model(self, width: int, start_width: int, bandwidth: Bandwidth, seed: int) -> FunctionalModel:
        """The network of one window.

        Its parameters are those of sine features in local coordinates, the `window` (its two times) and the `start`,
        which are not trained.
        """
        box, sizes = self.domain, self.problem.field_sizes
        network = SineFeatures(
            box, sum(sizes.values()), width, bandwidth, periodic=tuple(self.ansatz.periods), seed=seed
        )
        features = as_functional(network, box.dimension)
        start = self.start_model(start_width, bandwidth, seed)
        lower, upper = jnp.asarray(box.lower), jnp.asarray(box.upper)
        slot = {(pin.output, pin.order): k for k, pin in enumerate(self.pins)}

        def apply(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
            held = jax.lax.stop_gradient({"start": params["start"], "window": params["window"]})
            bounds = lower.at[self.axis].set(held["window"][0]), upper.at[self.axis].set(held["window"][1])
            local = lower + (x - bounds[0]) / (bounds[1] - bounds[0]) * (upper - lower)
            values = lambda x: start.apply(held["start"], jnp.delete(x, self.axis, assume_unique_indices=True))
            given = lambda output, order: lambda x: values(x)[slot[output, order]]
            return self.ansatz.outputs(features.apply(params["features"], local), x, bounds, given)

        window = jnp.array([box.lower[self.axis], box.upper[self.axis]])
        params = {"features": features.params, "window": window, "start": start.params}
        return FunctionalModel(params, apply, lambda params: features.merge(params["features"]))

    def start_model(self, width: int, bandwidth: Bandwidth, seed: int) -> FunctionalModel:
        """The network in space that holds the values to start from, one output for each of `pins`."""
        space = [i for i in range(self.domain.dimension) if i != self.axis]
        if not space:
            return FunctionalModel(jnp.zeros(len(self.pins)), lambda params, x: params, lambda params: params)
        names, lower, upper = self.domain.coordinates, self.domain.lower, self.domain.upper
        box = Box(**{names[i]: (float(lower[i]), float(upper[i])) for i in space})
        periodic = tuple(self.ansatz.periods)
        scales = [bandwidth[i] for i in space]
        network = SineFeatures(box, len(self.pins), width, scales, periodic=periodic, seed=seed)
        return as_functional(network, len(space))

    def declared(self, x: Float[Array, " d"]) -> Float[Array, " q"]:
        """The declared initial values, one for each of `pins`."""
        return jnp.stack([prescribed(self.ansatz.problem, pin)(x) for pin in self.pins])

    def at_end(self, model: FunctionalModel, params: Params) -> Callable[[Array], Float[Array, " q"]]:
        """The values that a window hands on: those of its fields, and derivatives in time, where it ends."""

        def values(x: Float[Array, " d"]) -> Float[Array, " q"]:
            x = x.at[self.axis].set(params["window"][1])
            found = [
                _in_time(lambda x: model.apply(params, x), self.axis, pin.order)(x)[pin.output] for pin in self.pins
            ]
            return jnp.stack(found)

        return values

    def move(self, batch: Batch, window: tuple[float, float]) -> Batch:
        """The points of the whole time squeezed into a window."""
        first, last = self.domain.lower[self.axis], self.domain.upper[self.axis]

        def moved(points: Points) -> Points:
            share = (points.coordinates[:, self.axis] - first) / (last - first)
            times = (1 - share) * window[0] + share * window[1]
            return Points(points.coordinates.at[:, self.axis].set(times), points.normals, points.columns)

        return {name: moved(points) for name, points in batch.items()}


def find_marching(ansatz: Ansatz) -> Marching | None:
    """How to march in time, None for problems that cannot.

    Needed are one coordinate that is time, initial values for every field that has a derivative in time, of every
    lower order, and other conditions on the interior and on faces in space alone.
    """
    problem, box = ansatz.problem, ansatz.problem.domain
    times = [axis for axis, name in enumerate(box.coordinates) if name in TIME_NAMES]
    if len(times) != 1:
        return None
    axis = times[0]
    initial = {n: found for n, found in ansatz.found.items() if all(p.axis == axis and p.side == 0 for p in found)}
    rest = [name for name in problem.conditions if name not in initial]
    for name in rest:
        region = problem.conditions[name].on
        if not isinstance(region, Interior | Faces) or any(a == axis for a, _ in getattr(region, "faces", ())):
            return None
    start = tuple(sorted((p for found in initial.values() for p in found), key=lambda p: (p.output, p.order)))
    needed = {(output, order) for output, highest in _time_orders(problem, axis).items() for order in range(highest)}
    if not start or {(pin.output, pin.order) for pin in start} != needed or len(start) != len(needed):
        return None
    kept = {output: tuple(p for p in found if p.axis != axis) for output, found in ansatz.pins.items()}
    outputs = {output: kept.get(output, ()) + tuple(p for p in start if p.output == output) for output, _ in needed}
    by_output = {**{output: found for output, found in kept.items() if found}, **outputs}
    exact = tuple(name for name in problem.conditions if name in ansatz.conditions or name in initial)
    windowed = dataclasses.replace(ansatz, conditions=exact, pins=by_output)
    return Marching(windowed, windowed.remaining, axis, start)


def fit_start(
    marching: Marching,
    start: FunctionalModel,
    values: Callable[[Array], Float[Array, " q"]],
    periodic_seed: int = 0,
) -> tuple[Params, float]:
    """Parameters of the network in space that takes `values`, and its relative error on other points."""
    box = marching.domain
    if box.dimension == 1:
        return values(jnp.asarray(box.lower)), 0.0
    from scipy.stats import qmc  # slow to import

    features = start.params
    width = features.head.weight.shape[1]
    sequence = qmc.Sobol(box.dimension, rng=np.random.default_rng(periodic_seed))
    count = 4 * width
    unit = sequence.random_base2((count + width - 1).bit_length())[: count + width]
    x = box.lower + unit * (box.upper - box.lower)
    targets = np.asarray(jax.jit(jax.vmap(values))(jnp.asarray(x)))
    space = np.delete(x, marching.axis, axis=1)
    design = np.asarray(jax.jit(jax.vmap(lambda y: _hidden(start, features, y)))(jnp.asarray(space)))
    design = np.column_stack([design, np.ones(len(design))])
    found = np.stack([least_squares(design[:count], column[:count]).x for column in targets.T])
    error = np.linalg.norm(design[count:] @ found.T - targets[count:]) / max(np.linalg.norm(targets[count:]), 1e-300)
    head = eqx.tree_at(
        lambda h: (h.weight, h.bias), features.head, (jnp.asarray(found[:, :-1]), jnp.asarray(found[:, -1]))
    )
    return eqx.tree_at(lambda f: f.head, features, head), float(error)


def piecewise(models: FunctionalModel, axis: int, edges: Sequence[float], params: Sequence[Params]) -> FunctionalModel:
    """One model of all windows: a point takes the parameters of the window its time lies in.

    - `models`: the model of any window; `edges`: times between windows.
    """
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *params)
    inner = np.asarray(edges[1:-1])

    def apply(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
        window = jnp.sum(jax.lax.stop_gradient(x[axis]) >= jnp.asarray(inner, x.dtype))
        return models.apply(jax.tree.map(lambda leaf: leaf[window], params), x)

    one = lambda params, window: jax.tree.map(lambda leaf: leaf[window], params)
    merge = lambda params: [models.merge(one(params, window)) for window in range(len(edges) - 1)]
    return FunctionalModel(stacked, apply, merge)


def _hidden(start: FunctionalModel, params: Any, y: Float[Array, " k"]) -> Float[Array, " w"]:
    """The sines of a network at a point: the slopes of its first output in its weights."""
    weight = params.head.weight
    first = lambda w: start.apply(eqx.tree_at(lambda p: p.head.weight, params, w), y)[0]
    return jax.grad(first)(weight)[0]


def _in_time(function: Callable, axis: int, order: int) -> Callable:
    for _ in range(order):
        function = _rate(function, axis)
    return function


def _rate(function: Callable, axis: int) -> Callable:
    return lambda x: jax.jvp(function, (x,), (jnp.zeros_like(x).at[axis].set(1.0),))[1]


def _time_orders(problem: Problem, axis: int) -> dict[int, int]:
    """The highest derivative in time of each output."""
    orders: dict[int, int] = {}
    first = 0
    for field, size in problem.field_sizes.items():
        for name in problem.conditions:
            for symbol in problem.equation(name).symbols:
                if symbol.kind == "field" and symbol.name == field:
                    for output in range(first, first + size):
                        orders[output] = max(orders.get(output, 0), symbol.orders[axis])
        first += size
    return orders
