"""Where each field of a problem lives: everywhere, or on a part of the domain with a network of its own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from .._base.arguments import is_whole
from ..geometry.box import box_between
from ..geometry.domain import MANY, AbstractDomain, Evaluation
from ..geometry.region import SLACK, AbstractRegion
from ..geometry.sampling import sobol
from ..networks.field_networks import FieldNetworks
from .mistakes import ProblemError
from .trace import Equation

FieldGiven: TypeAlias = int | AbstractDomain | tuple[AbstractDomain, int]
"""What is said of a field: its number of components, its domain, or both."""

SAMPLES = 512
"""Points of a boundary at which domains are checked for an overlap."""


@dataclass(frozen=True)
class FieldDomains:
    """The domains of the fields of a problem.

    - `whole`: the domain of the problem, a box around those of the fields if none was given;
    - `sizes`: number of components of each field; `own`: the domain of each field, over the coordinates of the problem
      or some of them, in their order. Fields with one and the same domain share a network.
    """

    whole: AbstractDomain
    sizes: dict[str, int]
    own: dict[str, AbstractDomain]

    @property
    def is_split(self) -> bool:
        """Whether some field does not live on the whole domain."""
        return any(own is not self.whole for own in self.own.values())

    @property
    def outputs(self) -> list[str]:
        """The field of each output of a network."""
        return [name for name, size in self.sizes.items() for _ in range(size)]

    def words(self, what: str) -> dict[str, str]:
        """The `units` or `labels` of coordinates that the domains have, first those of the problem."""
        return {k: v for domain in (*self.own.values(), self.whole) for k, v in getattr(domain, what).items()}

    def axes(self, domain: AbstractDomain) -> tuple[int, ...]:
        """The positions of the coordinates of a domain of fields among those of the problem."""
        return tuple(self.whole.coordinates.index(name) for name in domain.coordinates)

    @cached_property
    def extents(self) -> dict[str, AbstractDomain]:
        """The domain of each field over all coordinates, of which it fills those that it does not have."""
        return {name: self._extent(own) for name, own in self.own.items()}

    def of(self, equation: Equation) -> AbstractDomain | None:
        """The extent of the fields in an equation; None if they differ."""
        if not self.is_split:
            return self.whole
        found = [self.extents[name] for name in used(equation)] or [self.whole]
        return found[0] if all(_is_same(other, found[0]) for other in found) else None

    def contains(self, field: str, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Which points lie in the domain of a field; all of them for a field on the whole domain."""
        own = self.own[field]
        return np.ones(len(points), bool) if own is self.whole else own.contains(points[:, list(self.axes(own))])

    def masked(self, field: str, values: np.ndarray, points: Float[np.ndarray, "n d"]) -> np.ndarray:
        """The values of a field at points, NaN outside its own domain."""
        if self.own[field] is self.whole:
            return values
        inside = self.contains(field, points)
        return np.where(inside.reshape(-1, *(1,) * (values.ndim - 1)), values, np.nan)

    def evaluation(self) -> Evaluation:
        """The points at which fields are compared and drawn: those of the whole domain, or the triangles of each part
        where the fields fill shapes side by side.
        """
        found = [own.evaluation(MANY // len(self._distinct)) for own in self._distinct if own is not self.whole]
        is_drawn = all(each.triangles.size and each.shape[1:] == found[0].shape[1:] for each in found)
        if len(found) < len(self._distinct) or not is_drawn:
            return self.whole.evaluation()
        first = np.cumsum([0, *(each.shape[0] for each in found)])
        triangles = [each.triangles + start for each, start in zip(found, first[:-1], strict=True)]
        shape = (int(first[-1]), *found[0].shape[1:])
        return Evaluation(np.concatenate([each.points for each in found]), shape, np.concatenate(triangles))

    def network(self, make: Callable[[AbstractDomain, int, int], eqx.Module]) -> eqx.Module:
        """The network of all fields, of those that `make` returns for a domain, a number of outputs, and the number of
        the domain.
        """
        if not self.is_split:
            return make(self.whole, sum(self.sizes.values()), 0)
        domains = self._distinct
        number = {name: next(i for i, each in enumerate(domains) if each is own) for name, own in self.own.items()}
        filled, outputs = [0] * len(domains), []
        for name, size in self.sizes.items():
            i = number[name]
            outputs.append((i, filled[i], filled[i] + size))
            filled[i] += size
        networks = [make(own, size, i) for i, (own, size) in enumerate(zip(domains, filled, strict=True))]
        return FieldNetworks(networks, [self.axes(own) for own in domains], outputs)

    def check(self, where: str, equations: Iterable[Equation]) -> None:
        """**Raises:** `ProblemError` for a domain that leaves that of the problem, two domains that overlap in part,
        and a field that none of the equations takes.
        """
        taken = {name for equation in equations for name in used(equation)}
        if unused := [name for name in self.own if name not in taken]:
            raise ProblemError(f"no condition of {where} takes field '{unused[0]}'")
        whole = self.whole
        for name, own in self.own.items():
            axes, slack = list(self.axes(own)), SLACK * (whole.upper - whole.lower)
            if (own.lower < (whole.lower - slack)[axes]).any() or (own.upper > (whole.upper + slack)[axes]).any():
                raise ProblemError(f"the domain {own!r} of field '{name}' of {where} leaves the domain {whole!r}")
        names = {i: [n for n, own in self.own.items() if own is each] for i, each in enumerate(self._distinct)}
        for i, a in enumerate(self._distinct):
            for j, b in enumerate(self._distinct[:i]):
                if a.coordinates == b.coordinates and (place := _overlap(a, b)) is not None:
                    at = ", ".join(f"{name} = {value:.6g}" for name, value in zip(a.coordinates, place, strict=True))
                    raise ProblemError(
                        f"the domains of the fields '{names[j][0]}' and '{names[i][0]}' of {where} overlap in part, "
                        f"as near {at}; subtract one from the other"
                    )

    def check_one_model(self, where: str) -> None:
        """**Raises:** `ProblemError` if one model of all coordinates cannot be all fields."""
        if fewer := [name for name, own in self.own.items() if own.coordinates != self.whole.coordinates]:
            raise ProblemError(
                f"field '{fewer[0]}' of {where} is a function of {', '.join(self.own[fewer[0]].coordinates)} alone, so "
                "one `model` of all coordinates cannot represent all fields; leave `model` out"
            )

    def check_points(self, equation: Equation, points: Float[np.ndarray, "n d"], has_normal: bool, where: str) -> None:
        """**Raises:** `ProblemError` for points of an equation outside the domain of a field in it, and for an equation
        with a normal and fields of several domains away from the boundary of one of them.
        """
        taken = [name for name, indices in equation.derivatives.items() if indices]
        for name in taken:
            inside = self.contains(name, points)
            if not inside.all():
                place = self._place(points[int(np.argmin(inside))])
                raise ProblemError(f"{where} takes field '{name}' outside its domain {self.own[name]!r}, as at {place}")
        takes_normal = has_normal and any(symbol.kind == "normal" for symbol in equation.symbols)
        bodies = {name: self.own[name] for name in taken if self.own[name].coordinates == self.whole.coordinates}
        if not takes_normal or len({id(own) for own in bodies.values()}) < 2:
            return
        for name, own in bodies.items():
            away = np.abs(own.signed_distance(points)) > SLACK * float((own.upper - own.lower).max())
            if away.any():
                raise ProblemError(
                    f"{where} takes `normal` and the fields {', '.join(bodies)}, as on an interface, but lies inside "
                    f"the domain of '{name}' at {self._place(points[int(np.argmax(away))])}; subtract one domain from "
                    "the other"
                )

    def check_embedded(self, equation: Equation, coordinates: Sequence[str], where: str) -> None:
        """**Raises:** `ProblemError` for an equation on some of the coordinates that depends on others."""
        taken = {symbol.name for symbol in equation.symbols if symbol.kind == "coordinate"}
        taken |= {name for field in used(equation) for name in self.own[field].coordinates}
        if other := [name for name in self.whole.coordinates if name in taken and name not in coordinates]:
            raise ProblemError(
                f"{where} holds on a region with coordinates {list(coordinates)}, but depends on {', '.join(other)} too"
            )

    @property
    def _distinct(self) -> list[AbstractDomain]:
        return list({id(own): own for own in self.own.values()}.values())

    def _extent(self, own: AbstractDomain) -> AbstractDomain:
        if own.coordinates == self.whole.coordinates:
            return own
        low, high = (bound.copy() for bound in self.whole.bounds)
        axes = list(self.axes(own))
        low[axes], high[axes] = own.bounds
        return box_between(self.whole.coordinates, (low, high))

    def _place(self, point: Float[np.ndarray, " d"]) -> str:
        named = zip(self.whole.coordinates, point.tolist(), strict=True)
        return ", ".join(f"{name} = {value:.6g}" for name, value in named)


def field_domains(
    fields: Sequence[str] | Mapping[str, FieldGiven], domain: AbstractDomain | None, where: str
) -> FieldDomains:
    """The domains of fields as they were given to a problem, and of the problem.

    **Raises:** `ProblemError` for anything else, and for a field without a domain.
    """
    if isinstance(fields, str):
        raise ProblemError(f"`fields` is a tuple of names; write `fields=({fields!r},)`")
    if not isinstance(fields, Mapping | Sequence):
        raise ProblemError(
            f"`fields` is a tuple of names, or a mapping to numbers of components, domains or both; got {fields!r}"
        )
    given = dict(fields) if isinstance(fields, Mapping) else dict[str, FieldGiven](dict.fromkeys(fields, 1))
    if not given:
        raise ProblemError("a problem needs at least one field, as in `fields=('u',)`")
    if not isinstance(fields, Mapping) and len(given) < len(fields):
        raise ProblemError(f"the names of fields must differ, got {list(fields)}")
    sizes, own = dict[str, int](), dict[str, AbstractDomain]()
    for name, value in given.items():
        domain_of, size = _read(name, value)
        sizes[name] = size
        if domain_of is not None:
            own[name] = domain_of
    if domain is None:
        if missing := [name for name in given if name not in own]:
            raise ProblemError(f"{where} has no domain, and nor has field '{missing[0]}'; give `domain=`")
        domain = _around(list(own.values()), where)
    elif not isinstance(domain, AbstractDomain):
        raise ProblemError(f"a problem's domain is a `Box` or a shape such as a `Disk`, got {type(domain).__name__}")
    for name, each in own.items():
        if not _is_part(each.coordinates, domain.coordinates):
            raise ProblemError(
                f"field '{name}' of {where} lives on a domain with coordinates {list(each.coordinates)}; they must be "
                f"among {list(domain.coordinates)}, in this order"
            )
    return FieldDomains(domain, sizes, {name: own.get(name, domain) for name in sizes})


def used(equation: Equation) -> list[str]:
    """The fields in an equation, at its own point and elsewhere."""
    elsewhere = {symbol.name for symbol in equation.elsewhere}
    return [name for name, indices in equation.derivatives.items() if indices or name in elsewhere]


def _read(name: str, value: FieldGiven) -> tuple[AbstractDomain | None, int]:
    if isinstance(value, AbstractDomain):
        return value, 1
    domain, size = value if isinstance(value, tuple) and len(value) == 2 else (None, value)
    if not is_whole(size, 1):
        raise ProblemError(f"field '{name}' has a number of components ≥ 1, got {size!r}")
    if isinstance(value, tuple) and not isinstance(domain, AbstractDomain):
        raise ProblemError(f"field '{name}' has a domain and a number of components, got {value!r}")
    return domain, int(size)  # pyright: ignore[reportArgumentType]


def _around(domains: Sequence[AbstractDomain], where: str) -> AbstractDomain:
    """The one of several domains that has all coordinates, or a box around those that do."""
    most = max(domains, key=lambda domain: domain.dimension)
    full = list({id(each): each for each in domains if each.coordinates == most.coordinates}.values())
    if other := [each for each in domains if not _is_part(each.coordinates, most.coordinates)]:
        raise ProblemError(
            f"the fields of {where} live on domains with the coordinates {list(most.coordinates)} and "
            f"{list(other[0].coordinates)}; one of them has all coordinates, the others have some, in the same order"
        )
    if len(full) == 1:
        return full[0]
    low, high = np.min([each.lower for each in full], axis=0), np.max([each.upper for each in full], axis=0)
    box = box_between(most.coordinates, (low, high))
    box.parameters = most.parameters
    return box


def _is_part(names: Iterable[str], of: Sequence[str]) -> bool:
    names = list(names)
    return [name for name in of if name in names] == names


def _is_same(a: AbstractDomain, b: AbstractDomain) -> bool:
    return a is b or bool((a.lower == b.lower).all() and (a.upper == b.upper).all())


def _overlap(a: AbstractDomain, b: AbstractDomain) -> Float[np.ndarray, " d"] | None:
    """A place where two domains overlap of which neither contains the other; None if there is none.

    The boundary of one of them then goes through the inside and the outside of the other.
    """
    slack = SLACK * float(np.maximum(a.upper - a.lower, b.upper - b.lower).max())
    if (np.minimum(a.upper, b.upper) - np.maximum(a.lower, b.lower) <= slack).any():
        return None
    for one, other in ((a, b), (b, a)):
        points = sampled(one.boundary(), SAMPLES)
        distance = other.signed_distance(points)
        if (distance < -slack).any() and (distance > slack).any():
            return points[int(np.argmin(distance))]
    return None


def sampled(region: AbstractRegion, count: int) -> Float[np.ndarray, "n d"]:
    """Points of a region, those of each of its parts among them; all of a finite set."""
    count = max(count, region.least) if region.count is None else region.count
    unit = sobol(max(region.dimension, 1), 2 * count)
    with jax.enable_x64(True):
        return np.asarray(region.points(jnp.asarray(unit[:count, : region.dimension])).coordinates)
