r"""Marching through time: windows whose length, width and coordinates follow what is left of the held-out residual.

The start of a window says how wide its network has to be and where its coordinates are stretched (`window_start`). What
the window leaves of the held-out residual says whether it is short enough, as the local error does in integrators. One
that leaves too much is halved; where that hardly helps, space is what is not resolved, and the network is widened.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ._types import Params
from .feature_solver import FINAL_STEPS, Attempt, FeatureSolver
from .journal import Journal
from .marching import Marching, piecewise
from .model import FunctionalModel
from .window_start import Start, Values, find_start

UNKNOWNS = (400, 800, 1600, 3200)
"""Unknowns of a window to choose from."""

FIRST = 1 / 16
"""Length of the first window, as a share of the whole time."""

ACCEPTED, TOLERATED = 1e-10, 1e-6
"""Shares of the held-out loss of a window with which it is kept, and with which it is when nothing helps any more."""

AIM = 0.1
"""What lengths aim at, as a share of what is accepted."""

ORDER = 8
"""What is left falls with this power of the length, about."""

GROWTH, SHORTEST = 1.6, 1 / 512

MARGIN, MOST, FINER, COARSER = 1.25, 4.0, 1.4, 0.9
"""Sines of a window over those that its start needs: to begin with and at most; by how much they become more where
space is not resolved, and fewer after a window that is."""

PAYS = 0.1
"""Half the length must leave less than this share of what the whole left."""

FORESEEABLE = 0.1
"""Share of the whole time after which it can be told how long the rest will take."""


class Window(NamedTuple):
    """- `span`: its two times; `start`: parameters before, `attempt`: after, with what is left; `solver`: of its width."""

    span: tuple[float, float]
    start: Params
    attempt: Attempt
    solver: FeatureSolver


class Windows:
    """Solves a problem in time windows."""

    def __init__(self, marching: Marching, seed: int, journal: Journal):
        self._marching, self._seed, self._journal = marching, seed, journal
        outputs = sum(marching.problem.field_sizes.values())
        self._widths = [max(n // outputs, 1) for n in UNKNOWNS]
        self._solver = functools.cache(self._make_solver)
        self._ends = functools.cache(self._make_ends)

    def run(self) -> list[Window] | None:
        """Windows from the first time to the last; None where even short ones are not resolved, or time runs out."""
        journal, marching = self._journal, self._marching
        first, last = (float(bound[marching.axis]) for bound in (marching.domain.lower, marching.domain.upper))
        journal.phase("time windows")
        found, now, length, began = list[Window](), first, FIRST * (last - first), journal.limits.seconds()
        values, failed, margin = self._declared(), None, MARGIN
        start = self._start(values, margin)
        while now < last:
            done = (now - first) / (last - first)
            needed = (journal.limits.seconds() - began) * (1 - done) / done if done else 0.0
            if journal.is_over or (done > FORESEEABLE and needed > journal.limits.seconds_left):
                journal.decide(f"time windows given up at {now:.3g} after {len(found)}: {needed:.0f} s more to go")
                return None
            end = last if now + 1.001 * length > last else now + length
            window = self._solved(start, (now, end))
            left = window.attempt.left
            if left > ACCEPTED:
                hardly = failed is not None and left > PAYS * failed
                shortest = length <= SHORTEST * (last - first)
                if (hardly or shortest) and margin < MOST:
                    margin *= FINER
                    start, failed = self._start(values, margin), None
                    length *= 1 if shortest else 2
                    continue
                if not shortest and not (hardly and left <= TOLERATED):
                    failed, length = left, length / 2
                    continue
                if left > TOLERATED:
                    journal.decide(f"time windows given up at {now:.3g}: the shortest leaves {left:.1e} of its loss")
                    return None
            found.append(window)
            now, failed = end, None
            length *= float(np.clip((AIM * ACCEPTED / max(left, 1e-300)) ** (1 / ORDER), 0.5, GROWTH))
            if now < last:
                margin = max(COARSER * margin, MARGIN)
                values = self._at_end(window)
                start = self._start(values, margin)
        self._describe(found)
        return found

    def _describe(self, found: list[Window]) -> None:
        lengths, worst = np.diff(edges(found)), max(window.attempt.left for window in found)
        widest = max(window.solver.layer.size for window in found)
        warped = sum(bool(np.any(window.start["network"]["warp"].share)) for window in found)
        self._journal.decide(
            f"{len(found)} time windows of {lengths.min():.2g} to {lengths.max():.2g}, of at most {widest} unknowns, "
            f"{warped} with stretched coordinates; the worst leaves {worst:.1e} of its held-out loss"
        )

    def _start(self, values: Values, margin: float) -> Start:
        return find_start(self._marching, values, self._widths, margin, self._seed)

    def _make_solver(self, width: int) -> FeatureSolver:
        make = lambda bandwidth: self._marching.model(width, bandwidth, self._seed)
        return FeatureSolver(self._marching.problem, make, self._seed)

    def _solved(self, start: Start, span: tuple[float, float]) -> Window:
        solver = self._solver(start.width)
        params = solver.params(start.bandwidth)
        given = {"start": start.params, "warp": start.warp, "window": jnp.array(span)}
        params = {**params, "network": {**params["network"], **given}}
        moved = functools.partial(self._marching.move, window=span, warp=start.warp)
        most = int(min(FINAL_STEPS, self._journal.steps_left))
        attempt = solver.solve(params, most, moved, AIM * ACCEPTED / 10, lambda: self._journal.limits.is_over)
        self._journal.add(attempt.steps, attempt.after)
        return Window(span, params, attempt, solver)

    def _declared(self) -> Values:
        function = jax.jit(jax.vmap(self._marching.declared))
        return lambda x: np.asarray(function(jnp.asarray(x)))

    def _at_end(self, window: Window) -> Values:
        params = window.attempt.params["network"]
        function = self._ends(window.solver)
        return lambda x: np.asarray(function(params, jnp.asarray(x)))

    def _make_ends(self, solver: FeatureSolver) -> Any:
        at_end = functools.partial(self._marching.at_end, solver.model)
        return jax.jit(jax.vmap(at_end, (None, 0)))


def edges(windows: list[Window]) -> list[float]:
    """The times between windows, first and last included."""
    return [windows[0].span[0], *(window.span[1] for window in windows)]


def width_of(windows: list[Window]) -> int:
    """Sines of the widest window."""
    return max(window.attempt.params["network"]["features"].frequency.shape[0] for window in windows)


def joined(marching: Marching, windows: list[Window]) -> FunctionalModel:
    """One model of all windows, each with as many sines as the widest has."""
    widest = max((window.solver for window in windows), key=lambda solver: solver.layer.size)
    like = widest.model.params
    params = [jax.tree.map(_padded, window.attempt.params["network"], like) for window in windows]
    return piecewise(widest.model, marching.axis, edges(windows), params)


def _padded(leaf: Any, like: Any) -> jax.Array:
    """Zeros appended up to the shape of another leaf: sines that nothing is made of."""
    leaf = jnp.asarray(leaf)
    return jnp.pad(leaf, [(0, more - size) for size, more in zip(leaf.shape, jnp.shape(like), strict=True)])
