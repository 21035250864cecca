"""Boxes with named coordinates."""

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .domain import AbstractDomain
from .faces import Faces, Interior


class Box(AbstractDomain):
    """A box with named coordinates, `Box(x=(-1.0, 1.0), t=(0.0, 1.0))`.

    The order of the names is the order of the model's inputs. A coordinate named `t` or `time` is time.

    **Raises:** `ValueError` for bounds that are not two finite numbers in ascending order, and for names with
    another meaning in an equation.
    """

    def __init__(self, **bounds: tuple[float, float]):
        if not bounds:
            raise InputError("a box needs at least one coordinate, as in `Box(x=(0.0, 1.0))`")
        for name, pair in bounds.items():
            _check_bounds(name, pair)
        self.coordinates = tuple(bounds)
        self.lower, self.upper = np.array(list(bounds.values()), dtype=float).T

    def __repr__(self) -> str:
        spans = zip(self.coordinates, self.lower, self.upper, strict=True)
        return f"Box({', '.join(f'{name}=({low:g}, {high:g})' for name, low, high in spans)})"

    @property
    def interior(self) -> Interior:
        """The box without its boundary."""
        return Interior(self)

    def boundary(self, *names: str) -> Faces:
        """Both faces of each named coordinate, by default of all space coordinates."""
        axes = [self._axis(name) for name in names or self.space or self.coordinates]
        return Faces(self, tuple((axis, side) for axis in axes for side in (0, 1)))

    def lower_face(self, name: str) -> Faces:
        """The face on which coordinate `name` has its lower bound."""
        return Faces(self, ((self._axis(name), 0),))

    def upper_face(self, name: str) -> Faces:
        """The face on which coordinate `name` has its upper bound."""
        return Faces(self, ((self._axis(name), 1),))

    def start(self, name: str = "t") -> Faces:
        """The face at which time (or `name`) begins, for initial conditions."""
        return self.lower_face(name)

    def end(self, name: str = "t") -> Faces:
        """The face at which time (or `name`) ends."""
        return self.upper_face(name)

    def grid(self, per_axis: int) -> Float[np.ndarray, "n d"]:
        """A tensor grid of `per_axis` points along each coordinate, bounds included."""
        axes = [np.linspace(low, high, per_axis) for low, high in zip(self.lower, self.upper, strict=True)]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)

    def _axis(self, name: str) -> int:
        if name not in self.coordinates:
            raise InputError(f"{self!r} has no coordinate '{name}'; its coordinates are {list(self.coordinates)}")
        return self.coordinates.index(name)


def Interval(**bounds: tuple[float, float]) -> Box:
    """A box of one coordinate, `Interval(x=(0.0, 1.0))`."""
    if len(bounds) != 1:
        raise InputError(
            f"an interval has one coordinate, got {list(bounds)}; `Box` takes several, as in "
            "`Box(x=(0.0, 1.0), y=(0.0, 1.0))`"
        )
    return Box(**bounds)


def _check_bounds(name: str, pair: tuple[float, float]) -> None:
    if name in ("d", "value", "normal"):
        raise InputError(f"a coordinate cannot be called '{name}', which has another meaning in an equation")
    try:
        low, high = (float(bound) for bound in pair)
    except (TypeError, ValueError):
        raise InputError(f"the bounds of '{name}' are two numbers, as in `{name}=(0.0, 1.0)`; got {pair!r}") from None
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"the bounds of '{name}' must be finite, got ({low}, {high})")
    if low >= high:
        raise InputError(
            f"the bounds of '{name}' must ascend, got ({low:g}, {high:g}); write `{name}=({high:g}, {low:g})`?"
            if low > high
            else f"the bounds of '{name}' must ascend, got ({low:g}, {high:g}), an empty interval"
        )
