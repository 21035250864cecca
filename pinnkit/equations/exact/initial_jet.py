"""Initial values and what follows from them where a face in space meets the start."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...geometry.domain import TIME_NAMES
from ...geometry.region import Face
from ..problem import Problem
from ..symbols import Symbol
from ..trace import Equation
from .face_values import FaceValue, Number, derived, equation_at, fields_on, numbers_of, prescribed


class Evolution(NamedTuple):
    """A row of an equation of full dimension that contains the derivative of an output in time.

    - `numbers`: that come from fields; `residual`: the equation as a function of them and of a point; `row`: of it.
    """

    numbers: tuple[Number, ...]
    residual: Callable[[Float[Array, " k"], Float[Array, " d"]], Float[Array, " m"]]
    row: int


@dataclass(frozen=True)
class InitialJet:
    """The initial values of a problem and their derivatives in space.

    - `axis`: of time; `values`: by output of the network.
    """

    problem: Problem
    axis: int
    values: Mapping[int, FaceValue]

    @classmethod
    def of(cls, problem: Problem, values: Sequence[FaceValue]) -> "InitialJet | None":
        """From prescribed values; None without time or initial values."""
        times = [axis for axis, name in enumerate(problem.domain.coordinates) if name in TIME_NAMES]
        initial = {v.output: v for v in values if times and (v.axis, v.side, v.order) == (times[0], 0, 0)}
        return cls(problem, times[0], initial) if initial else None

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of the conditions that prescribe them."""
        return tuple(dict.fromkeys(value.condition for value in self.values.values()))

    def residual(self, condition: str, face: Face, x: Float[Array, "n d"]) -> Float[np.ndarray, " n"] | None:
        """The largest row of a condition at initial points of a face; None if initial values do not tell."""
        equation = self.problem.equation(condition)
        fields = fields_on(self.problem, equation, face)
        if fields is None or any(side != face.side for side in fields.values()):
            return None
        numbers = numbers_of(self.problem, fields)
        if not all(self._is_known(number) for number in numbers):
            return None
        value = lambda x: equation_at(self.problem, equation, fields, self._at(numbers, x), x, face)
        found = np.asarray(jax.jit(jax.vmap(value))(x))
        return found[:, np.argmax(np.abs(found).max(axis=0))]

    def diffusion(self, axis: int, x: Float[Array, " d"]) -> tuple[int, float] | None:
        """The order of the equation along an axis in space, and its diffusivity at an initial point.

        None unless it is of first order in time, of even order > 1 along the axis, and well posed.
        """
        for output in self.values:
            order = self.problem.highest_orders(axis).get(output, 0)
            if self.problem.highest_orders(self.axis)[output] != 1 or order < 2 or order % 2:
                continue
            for numbers, residual, row in self._evolutions(output, x):
                found = jax.jit(lambda x, f=residual, n=numbers: jax.jacfwd(f)(self._at(n, x), x))(x)
                slopes = dict(zip(numbers, np.asarray(found)[row], strict=True))
                rate = -slopes.get(Number(output, self._index({axis: order}), 0), 0.0) / slopes[self._change(output)]
                if np.isfinite(rate) and rate * (-1) ** (order // 2) < 0:
                    return order, abs(float(rate))
        return None

    def rate(self, output: int, x: Float[Array, "n d"]) -> Float[np.ndarray, " n"] | None:
        """The derivative of an output in time that the equation gives at initial points."""
        each = next(iter(self._evolutions(output, x[0])), None)
        if each is None:
            return None
        numbers, residual, row = each
        mine = numbers.index(self._change(output))

        def rate(x: Float[Array, " d"]) -> Float[Array, ""]:
            left, slopes = residual(self._at(numbers, x), x), jax.jacfwd(residual)(self._at(numbers, x), x)
            return -left[row] / slopes[row, mine]

        return np.asarray(jax.jit(jax.vmap(rate))(x))

    def _evolutions(self, output: int, x: Float[Array, " d"]) -> list[Evolution]:
        """Those of an output, known but for its change in time from initial values."""
        found, change, face = list[Evolution](), self._change(output), Face(self.axis, 0, -1)
        for name, condition in self.problem.conditions.items():
            equation = self.problem.equation(name)
            if condition.on.dimension != self.problem.domain.dimension or not _is_local(self.problem, equation):
                continue
            fields = {symbol: 0 for symbol in sorted(equation.symbols) if symbol.kind == "field"}
            numbers = numbers_of(self.problem, fields)
            if change not in numbers or not all(self._is_known(number) or number == change for number in numbers):
                continue
            residual = functools.partial(_residual, self.problem, equation, fields, face)
            slopes = jax.jit(lambda x, f=residual, n=numbers: jax.jacfwd(f)(self._at(n, x), x))(x)
            rows = np.flatnonzero(np.asarray(slopes)[:, numbers.index(change)])
            found += [Evolution(numbers, residual, int(row)) for row in rows]
        return found

    def _change(self, output: int) -> Number:
        return Number(output, self._index({self.axis: 1}), 0)

    def _at(self, numbers: Sequence[Number], x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The numbers at an initial point, with derivatives in time as zero."""
        value = lambda number: derived(prescribed(self.problem, self.values[number.output]), self._in_space(number))(x)
        return jnp.stack([value(n) if self._is_known(n) else jnp.zeros((), x.dtype) for n in numbers])

    def _in_space(self, number: Number) -> list[tuple[int, int]]:
        return [(axis, order) for axis, order in enumerate(number.orders) if order]

    def _is_known(self, number: Number) -> bool:
        return number.output in self.values and not number.orders[self.axis]

    def _index(self, orders: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(orders.get(axis, 0) for axis in range(self.problem.domain.dimension))


def _residual(
    problem: Problem,
    equation: Equation,
    fields: Mapping[Symbol, int],
    face: Face,
    v: Float[Array, " k"],
    x: Float[Array, " d"],
) -> Float[Array, " m"]:
    return equation_at(problem, equation, fields, v, x, face)


def _is_local(problem: Problem, equation: Equation) -> bool:
    """Whether everything but fields at the point itself is known."""
    is_unknown = lambda s: s.kind in ("column", "normal") or (s.kind == "coefficient" and s.name in problem.unknowns)
    return not equation.elsewhere and not any(map(is_unknown, equation.symbols))
