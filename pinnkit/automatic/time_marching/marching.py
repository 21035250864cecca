r"""Time marching: one time window after the other, each starting where the last one ended.

Early times have to be learned before late ones, and a network of given size resolves a short time better than a long
one. The initial values of a window are a small network in space, fitted to the end of the window before (or to the
declared initial values), so every window has the same form and is compiled once.

Wight & Zhao, *Solving Allen-Cahn and Cahn-Hilliard equations using the adaptive physics informed neural networks*,
Commun. Comput. Phys. 29, 2021; Krishnapriyan et al., *Characterizing possible failure modes in physics-informed neural
networks*, NeurIPS 2021.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.padding import padded
from ..._base.types import Params, Scalar
from ...equations.exact.ansatz import Ansatz
from ...equations.exact.face_values import Datum, FaceValue, prescribed
from ...equations.exact.interpolation import Bounds
from ...equations.problem import Problem
from ...geometry.box import Box
from ...geometry.domain import TIME_NAMES, AbstractDomain
from ...geometry.points import Points
from ...geometry.reference_cube import from_symmetric, from_unit, to_symmetric
from ...geometry.region import AbstractRegion
from ...geometry.region import Bounds as RegionBounds
from ...networks.adapters import as_functional
from ...networks.functional import FunctionalModel
from ...networks.random_features import SineFeatures
from ...networks.stretching import Stretching
from ...residuals.functions import Batch
from ..random_features.bandwidth import Bandwidth
from .lattice import TIME_SPACING, lattice, on_lattice, spacing_of

START_SHARE = 9
"""Features of a window per feature of its initial slice: then both have the same waves in space. With more, an initial
slice would be represented where its window does not resolve what becomes of it.
"""


@dataclasses.dataclass(frozen=True)
class Marching:
    """How a problem is solved window by window.

    - `ansatz`: with the initial values of a window as hard constraints; `problem`: the soft constraints of a window;
    - `axis`: of time; `face_values`: the initial values of every field that changes in time;
    - `stretches`: whether coordinates in space may be stretched: all conditions fill the box or whole faces of it;
    - `starts_roughly`: whether the declared initial values are not smooth enough to be hard constraints for all times.

    The sines are those of the box around the domain: on a shape they are a frame, of which points inside determine a
    least-squares fit.
    """

    ansatz: Ansatz
    problem: Problem
    domain: AbstractDomain
    axis: int
    face_values: tuple[FaceValue, ...]
    stretches: bool
    starts_roughly: bool

    def model(self, width: int, bandwidth: Bandwidth, seed: int) -> FunctionalModel:
        """The network of one window.

        Its parameters are those of sines on a `lattice`, in stretched local coordinates, and, not trained, the `window`
        (its two times), the `stretching` of space and the `start` (its initial slice).
        """
        box, sizes, periodic = self._around(range(self.domain.dimension)), self.problem.field_sizes, self.ansatz.periods
        network = SineFeatures(box, sum(sizes.values()), width, periodic=tuple(periodic), seed=seed)
        frequencies = lattice(width, bandwidth, self.spacing(bandwidth), self.axis)
        features = as_functional(on_lattice(network, *frequencies), box.dimension)
        start = self.start_model(width, bandwidth, seed)
        lower, upper = jnp.asarray(box.lower), jnp.asarray(box.upper)
        slot = {(face_value.output, face_value.order): k for k, face_value in enumerate(self.face_values)}

        def apply(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
            fixed = jax.lax.stop_gradient({name: params[name] for name in ("start", "stretching", "window")})
            bounds = lower.at[self.axis].set(fixed["window"][0]), upper.at[self.axis].set(fixed["window"][1])

            def stretched(x: Float[Array, " d"]) -> Float[Array, " d"]:
                return from_symmetric(fixed["stretching"](to_symmetric(x, bounds)), (lower, upper))

            def given(output: int, order: int) -> Datum:
                values = lambda x: self.starts(start.apply(fixed["start"], self.in_space(stretched(x))), x, bounds)
                return lambda x: values(jnp.stack(x))[slot[output, order]]

            return self.ansatz.outputs(features.apply(params["features"], stretched(x)), x, bounds, given)

        window = jnp.array([box.lower[self.axis], box.upper[self.axis]])
        params = {
            "features": features.params,
            "stretching": self.ansatz.stretching(),
            "window": window,
            "start": start.params,
        }
        return FunctionalModel(params, apply, lambda params: features.merge(params["features"]))

    def spacing(self, bandwidth: Bandwidth) -> list[float]:
        """The lattice constant of the frequencies along each coordinate."""
        each = zip(self.domain.coordinates, bandwidth, strict=True)
        space = [spacing_of(reach, name in self.ansatz.periods) for name, reach in each]
        return [TIME_SPACING if i == self.axis else constant for i, constant in enumerate(space)]

    def in_space(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The coordinates that are not time."""
        return jnp.delete(x, self.axis, assume_unique_indices=True)

    @property
    def space(self) -> list[int]:
        """The axes that are not time."""
        return [i for i in range(self.domain.dimension) if i != self.axis]

    def start_model(self, width: int, bandwidth: Bandwidth, seed: int) -> FunctionalModel:
        """The network of an initial slice in space, one output for each of `face_values`.

        Values that walls prescribe are imposed on the slice, whatever the network gives there.

        - `width`: of the window.
        """
        if not self.space:
            return FunctionalModel(jnp.zeros(len(self.face_values)), lambda params, x: params, lambda params: params)
        box, sines, periodic = self._around(self.space), width // START_SHARE, tuple(self.ansatz.periods)
        network = SineFeatures(box, len(self.face_values), sines, periodic=periodic, seed=seed)
        reach, spacing = ([each[i] for i in self.space] for each in (bandwidth, self.spacing(bandwidth)))
        frequencies = lattice(sines, reach, spacing)
        return as_functional(on_lattice(network, *frequencies), len(self.space))

    def _around(self, axes: Iterable[int]) -> Box:
        """The box around the domain, along some of its axes."""
        names, (lower, upper) = self.domain.coordinates, self.domain.bounds
        spans: dict[str, Any] = {names[i]: (float(lower[i]), float(upper[i])) for i in axes}
        return Box(**spans)

    def starts(self, network: Float[Array, " q"], x: Float[Array, " d"], bounds: Bounds) -> Float[Array, " q"]:
        """The initial values of a window at a point, from the values of the `network` in space."""
        return jnp.stack(
            [self.ansatz.slice_of(network[k], x, bounds, face_value) for k, face_value in enumerate(self.face_values)]
        )

    def start_form(self, x: Float[np.ndarray, "n d"], time: float) -> Any:
        """Offset and factor of the network in space at points, (n, q) each, in the initial values at a time."""
        return padded(lambda x: self._start_forms(x, time), x)

    @functools.cached_property
    def _start_forms(self) -> Callable[..., Any]:
        lower, upper = self.domain.bounds
        bounds, zero = (jnp.asarray(lower), jnp.asarray(upper)), jnp.zeros(len(self.face_values))

        def form(x: Float[Array, " d"], time: Scalar) -> tuple[Array, Array]:
            starts = lambda network: self.starts(network, x.at[self.axis].set(time), bounds)
            return jax.jvp(starts, (zero,), (jnp.ones_like(zero),))

        return jax.jit(jax.vmap(form, (0, None)))

    def declared(self, x: Float[Array, " d"]) -> Float[Array, " q"]:
        """The declared initial values, one for each of `face_values`."""
        return jnp.stack([prescribed(self.ansatz.problem, face_value)(x) for face_value in self.face_values])

    def at_end(self, model: FunctionalModel, params: Params, x: Float[Array, " d"]) -> Float[Array, " q"]:
        """The initial values of the next window: fields and derivatives in time at the end of this one."""
        x = x.at[self.axis].set(params["window"][1])
        rates = lambda face_value: _in_time(lambda x: model.apply(params, x), self.axis, face_value.order)
        return jnp.stack([rates(face_value)(x)[face_value.output] for face_value in self.face_values])

    def move(self, batch: Batch, window: tuple[float, float], stretching: Stretching) -> Batch:
        """The points of the whole time mapped to a window, and evenly distributed in stretched space."""
        bounds = self.domain.bounds

        def moved(points: Points) -> Points:
            x, z = np.array(points.coordinates), to_symmetric(np.asarray(points.coordinates), bounds)
            if self.stretches:
                x = stretching.placed(x, bounds)
            x[:, self.axis] = from_unit((z[:, self.axis] + 1) / 2, window)
            return Points(jnp.asarray(x), points.normals, points.columns)

        return {name: moved(points) for name, points in batch.items()}


def find_marching(ansatz: Ansatz) -> Marching | None:
    """How to march in time; None for problems that do not allow it.

    Needed are fields on all of the domain, no edges where the solution is singular, one coordinate that is time,
    initial values of every lower order for every field with a derivative in time, other conditions at all times, which
    involve fields at the same time only, and no unknown coefficient, which would differ from window to window.
    """
    problem, domain = ansatz.problem, ansatz.problem.domain
    times = [axis for axis, name in enumerate(domain.coordinates) if name in TIME_NAMES]
    if len(times) != 1 or problem.unknowns or problem.field_domains.is_split or ansatz.edges:
        return None
    axis = times[0]
    initial = {n: found for n, found in ansatz.found.items() if all(p.axis == axis and p.side == 0 for p in found)}
    rest = [name for name in problem.conditions if name not in initial]
    if not all(_holds_at_all_times(problem, name, axis) for name in rest):
        return None
    start = tuple(sorted((p for found in initial.values() for p in found), key=lambda p: (p.output, p.order)))
    needed = {(output, order) for output, highest in problem.highest_orders(axis).items() for order in range(highest)}
    if (
        not start
        or {(face_value.output, face_value.order) for face_value in start} != needed
        or len(start) != len(needed)
    ):
        return None
    kept = {output: tuple(p for p in found if p.axis != axis) for output, found in ansatz.face_values.items()}
    outputs = {output: kept.get(output, ()) + tuple(p for p in start if p.output == output) for output, _ in needed}
    by_output = {**{output: found for output, found in kept.items() if found}, **outputs}
    exact = tuple(name for name in problem.conditions if name in ansatz.conditions or name in initial)
    windowed = dataclasses.replace(ansatz, conditions=exact, face_values=by_output)
    stretches = domain.fills_its_bounds and all(_is_whole(problem.conditions[name].on, domain.bounds) for name in rest)
    is_rough = ansatz.wanted == "hard" and not set(initial) <= set(ansatz.conditions)
    return Marching(windowed, windowed.remaining, domain, axis, start, stretches, is_rough)


def _holds_at_all_times(problem: Problem, name: str, axis: int) -> bool:
    """Whether a condition holds at each time by itself: in the same places, for fields at that time."""
    is_at_all_times = problem.conditions[name].on.spans(axis, problem.domain.bounds)
    return is_at_all_times and problem.domain.coordinates[axis] not in problem.equation(name).displaced


def _is_whole(region: AbstractRegion, bounds: RegionBounds) -> bool:
    """Whether a region is the whole box between `bounds`, or consists of whole faces."""
    return region.fills(bounds) or region.faces_of(bounds) is not None


def piecewise(models: FunctionalModel, axis: int, edges: Sequence[float], params: Sequence[Params]) -> FunctionalModel:
    """One model of all windows: a point takes the parameters of the window that contains its time.

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


def _in_time(function: Callable[..., Any], axis: int, order: int) -> Callable[..., Any]:
    for _ in range(order):
        function = _rate(function, axis)
    return function


def _rate(function: Callable[..., Any], axis: int) -> Callable[..., Any]:
    return lambda x: jax.jvp(function, (x,), (jnp.zeros_like(x).at[axis].set(1.0),))[1]
