"""The freedom of a solution in words: which functions can be added to which fields."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Legendre

from .._base.words import listed

ABSENT = 1e-4
"""Share of a freedom below which a field or coefficient has no part in it."""

EXACT = 1e-5
"""Relative error at which a function is taken for a known one."""

POWERS = 4
"""Coefficients of a polynomial that is named as such, at most."""

DEGREE = 32
"""Of the polynomials that are fitted to a freedom of one coordinate, for its derivatives."""

FAMILY = 3
"""So many independent functions of the same coordinates stand for any function of them."""


class Shapes(NamedTuple):
    """Freedoms as functions, the last axis counting them.

    - `points`, `coordinates`: where, for each output; `outputs`: names; `spreads`: of the solution;
    - `values`: of the change of each output; `shifted`: where one of the coordinates is that of another point;
    - `coefficients`: names of the unknown coefficients; `changes`: of what is trained of them.
    """

    coordinates: tuple[str, ...]
    points: Float[np.ndarray, "m n d"]
    outputs: tuple[str, ...]
    spreads: Float[np.ndarray, " m"]
    values: Float[np.ndarray, "n m f"]
    shifted: Float[np.ndarray, "n m d f"]
    coefficients: tuple[str, ...]
    changes: Float[np.ndarray, "q f"]

    def mixed(self, V: Float[np.ndarray, "f g"]) -> "Shapes":
        """Other freedoms: combinations of these."""
        return self._replace(values=self.values @ V, shifted=self.shifted @ V, changes=self.changes @ V)

    @property
    def number(self) -> int:
        return self.values.shape[-1]

    @property
    def parts(self) -> list[Float[np.ndarray, "n f"]]:
        """Of each output in units of its spread, then of each coefficient."""
        fields = [self.values[:, i] / self.spreads[i] / math.sqrt(len(self.values)) for i in range(len(self.outputs))]
        return [*fields, *(change[None] for change in self.changes)]


def describe(shapes: Shapes) -> list[str]:
    """A phrase for each independent freedom, or family of freedoms."""
    names, phrases, joint = (*shapes.outputs, *shapes.coefficients), [], np.eye(shapes.number)
    for i, name in enumerate(names):
        alone = _alone(i, shapes.parts)
        if alone.shape[1]:
            phrases.append(_single(i, name, shapes.mixed(alone)))
            joint = joint - alone @ (alone.T @ joint)
    U, s, _ = np.linalg.svd(joint)
    together = U[:, s > 0.5]
    return phrases + ([_joint(shapes.mixed(together))] if together.shape[1] else [])


def _alone(i: int, parts: Sequence[Float[np.ndarray, "_ f"]]) -> Float[np.ndarray, "f g"]:
    """The combinations in which nothing but part i has a share."""
    others = np.vstack([np.zeros((1, parts[0].shape[1])), *(part for j, part in enumerate(parts) if j != i)])
    _, s, Vt = np.linalg.svd(others, full_matrices=True)
    s = np.concatenate([s, np.zeros(len(Vt) - len(s))])
    return Vt[s <= ABSENT].T


def _single(i: int, name: str, shapes: Shapes) -> str:
    """Freedoms of one field or coefficient."""
    if i >= len(shapes.outputs):
        return f"{name} can take any value"
    function = _known(i, shapes)
    if function is not None:
        return f"{function} can be added to {name}"
    if (names := _depends_on(i, shapes)) is not None and shapes.number >= FAMILY:
        return f"any function of {', '.join(names)} can be added to {name}"
    what = "a multiple of a function" if shapes.number == 1 else f"{shapes.number} or more independent functions"
    return f"{what} can be added to {name}, the largest near {_place(i, shapes)}"


def _joint(shapes: Shapes) -> str:
    """Freedoms of several fields or coefficients together."""
    names = (*shapes.outputs, *shapes.coefficients)
    involved = [i for i, part in enumerate(shapes.parts) if np.linalg.norm(part) > ABSENT * math.sqrt(shapes.number)]
    if shapes.number == 1 and (phrase := _in_step(involved, shapes)) is not None:
        return phrase
    ways = "" if shapes.number == 1 else f" in {shapes.number} or more independent ways"
    fields = [i for i in involved if i < len(shapes.outputs)]
    largest = max(fields, key=lambda i: np.linalg.norm(shapes.parts[i]), default=None)
    where = "" if largest is None else f", {names[largest]} most near {_place(largest, shapes)}"
    return f"{listed([names[i] for i in involved])} can change together{ways}{where}"


def _in_step(involved: Sequence[int], shapes: Shapes) -> str | None:
    """One freedom of several, where each has a known form."""
    fields = [i for i in involved if i < len(shapes.outputs)]
    if not fields:
        changes = [(shapes.coefficients[i - len(shapes.outputs)], float(shapes.changes[i - len(shapes.outputs), 0]))
                   for i in involved]  # fmt: skip
        same = all(change * changes[0][1] > 0 for _, change in changes)
        way = "up and down together" if same else "one up and the other down"
        return f"{listed([name for name, _ in changes])} can change without effect, {way}"
    if len(fields) < len(involved):
        return None
    waves = [_wave(i, shapes) for i in fields]
    if any(wave is None for wave in waves):
        return None
    scale = next(wave.size for wave in waves if wave is not None)
    terms = [wave.times(1 / scale) for wave in waves if wave is not None]
    rest = ", ".join(f"{term} to {shapes.outputs[i]}" for i, term in zip(fields[1:], terms[1:], strict=True))
    return f"{terms[0]} can be added to {shapes.outputs[fields[0]]} together with {rest}"


# Known functions.


class _Wave(NamedTuple):
    """A cos kx + B sin kx, A exp κx + B exp −κx, or A where k is zero."""

    kind: str
    k: float
    a: float
    b: float
    name: str

    @property
    def size(self) -> float:
        return self.a if abs(self.a) >= EXACT * abs(self.b) else self.b

    def times(self, factor: float) -> str:
        """With a constant c in front."""
        if not self.k:
            return _term(self.a * factor, "")
        argument = f"{_rate(self.k)}{self.name}"
        functions = {
            "wave": (f"cos({argument})", f"sin({argument})"),
            "growth": (f"exp({argument})", f"exp(−{argument})"),
        }[self.kind]
        pairs = zip((self.a, self.b), functions, strict=True)
        largest = max(abs(self.a), abs(self.b))
        terms = [(value * factor, text) for value, text in pairs if abs(value) > 10 * EXACT * largest]
        if len(terms) == 1:
            return _term(*terms[0])
        (first, one), (second, other) = terms
        sign = "+" if second > 0 else "−"
        return f"c·({_term(first, one, '')} {sign} {_term(abs(second), other, '')})"


def _known(i: int, shapes: Shapes) -> str | None:
    """The freedoms of one output, as a function that has a name."""
    values, count = shapes.values[:, i], shapes.number
    if count == 1 and np.ptp(values) <= EXACT * np.abs(values).max():
        return "a constant"
    if shapes.points.shape[-1] > 1:
        return None
    x, name = shapes.points[i, :, 0], shapes.coordinates[0]
    if count <= POWERS and _distance(values, np.vander(_centred(x), count)) <= EXACT:
        return _polynomial(name, count)
    if count == 1 and (polynomial := _power(x, values[:, 0], name)) is not None:
        return polynomial
    if count == 1 and (wave := _wave(i, shapes)) is not None:
        return wave.times(1 / wave.size)
    if count == 2 and (square := _square(i, shapes)) is not None:
        k = _rate(math.sqrt(abs(square)))
        pair = f"cos({k}{name}) and sin({k}{name})" if square < 0 else f"exp({k}{name}) and exp(−{k}{name})"
        return f"any combination of {pair}"
    return None


def _polynomial(name: str, count: int) -> str:
    """Any polynomial with so many coefficients."""
    constants = [f"c{'₀₁₂₃'[k]}" for k in range(count)]
    powers = ["", f" {name}", f" {name}²", f" {name}³"]
    terms = [constant + power for constant, power in zip(constants, powers, strict=False)]
    return f"{' + '.join(terms)} (any {', '.join(constants)})"


def _power(x: Float[np.ndarray, " n"], v: Float[np.ndarray, " n"], name: str) -> str | None:
    """One polynomial of low degree, up to a factor: `c·x`, `c·(1 − 2x)`."""
    size = float(np.abs(x).max())
    for degree in range(1, POWERS):
        powers = np.vander(x / size, degree + 1, increasing=True)
        found = np.linalg.lstsq(powers, v, rcond=None)[0]
        if np.linalg.norm(powers @ found - v) <= EXACT * np.linalg.norm(v):
            found = np.where(np.abs(found) > 10 * EXACT * np.abs(found).max(), found, 0.0)
            return _with_factor(found / size ** np.arange(degree + 1), name)
    return None


def _with_factor(coefficients: Float[np.ndarray, " n"], name: str) -> str:
    """A polynomial, its first coefficient 1, times a constant."""
    functions = ["", name, f"{name}²", f"{name}³"]
    scale = float(coefficients[np.flatnonzero(coefficients)[0]])
    terms = [(float(value) / scale, functions[k]) for k, value in enumerate(coefficients) if value]
    if len(terms) == 1:
        return _term(1.0, terms[0][1])
    text = _term(1.0, terms[0][1], "")
    for value, function in terms[1:]:
        text += f" {'+' if value > 0 else '−'} {_term(abs(value), function, '')}"
    return f"c·({text})"


def _wave(i: int, shapes: Shapes) -> _Wave | None:
    """The one freedom as a constant, a sine or an exponential of the coordinate."""
    v, name = shapes.values[:, i, 0], shapes.coordinates[0]
    if np.ptp(v) <= EXACT * np.abs(v).max():
        return _Wave("wave", 0.0, float(np.mean(v)), 0.0, name)
    square = _square(i, shapes)
    if square is None:
        return None
    x, k = shapes.points[i, :, 0], math.sqrt(abs(square))
    if square < 0:
        functions = np.stack([np.cos(k * x), np.sin(k * x)], axis=1)
    else:
        shift = float(np.abs(x).max())
        functions = np.stack([np.exp(k * (x - shift)), np.exp(-k * (x + shift))], axis=1)
    a, b = (float(value) for value in np.linalg.lstsq(functions, v, rcond=None)[0])
    if square > 0:
        a, b = a * math.exp(-k * float(np.abs(x).max())), b * math.exp(-k * float(np.abs(x).max()))
    return _Wave("wave" if square < 0 else "growth", k, a, b, name)


def _square(i: int, shapes: Shapes) -> float | None:
    """λ of v'' = λ v, where the freedoms satisfy that."""
    if len(shapes.coordinates) > 1:
        return None
    x, values = shapes.points[i, :, 0], shapes.values[:, i]
    series = [Legendre.fit(x, column, DEGREE) for column in values.T]
    v, curvature = values.T.ravel(), np.concatenate([fit.deriv(2)(x) for fit in series])
    if np.abs(np.concatenate([fit(x) for fit in series]) - v).max() > EXACT * np.abs(v).max():
        return None
    square = float(v @ curvature / (v @ v))
    error = np.linalg.norm(curvature - square * v)
    is_known = square != 0 and error <= 1e3 * EXACT * np.linalg.norm(curvature)
    return square if is_known else None


def _depends_on(i: int, shapes: Shapes) -> list[str] | None:
    """The coordinates that the freedoms of an output depend on; None for all."""
    differences = np.linalg.norm(shapes.shifted[:, i] - shapes.values[:, i, None], axis=(0, 2))
    size = np.linalg.norm(shapes.values[:, i])
    names = [name for name, other in zip(shapes.coordinates, differences, strict=True) if other > EXACT * size]
    return names if 0 < len(names) < len(shapes.coordinates) else None


def _distance(values: Float[np.ndarray, "n f"], functions: Float[np.ndarray, "n g"]) -> float:
    """The share of the values that no combination of the functions is."""
    Q, _ = np.linalg.qr(functions)
    return float(np.linalg.norm(values - Q @ (Q.T @ values)) / np.linalg.norm(values))


def _centred(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return (x - x.mean()) / np.ptp(x)


def _place(i: int, shapes: Shapes) -> str:
    """Where the freedoms of an output are largest."""
    at = shapes.points[i, np.argmax(np.linalg.norm(shapes.values[:, i], axis=1))]
    return ", ".join(f"{name} = {value:.3g}" for name, value in zip(shapes.coordinates, at.tolist(), strict=True))


def _term(value: float, function: str, constant: str = "c") -> str:
    """`c·cos(x)`, `−2c·cos(x)`, `c`."""
    size = "" if abs(abs(value) - 1) <= 10 * EXACT else f"{abs(value):.3g}"
    sign = "−" if value < 0 else ""
    head = size + constant
    return f"{sign}{head}{'·' if head and function else ''}{function}" or "1"


def _rate(k: float) -> str:
    """A number in front of a coordinate: `2`, `π`, `3π`, `0.123`; nothing for 1."""
    for unit, symbol in ((1.0, ""), (math.pi, "π")):
        whole = round(k / unit)
        if whole and abs(k / unit - whole) <= 10 * EXACT * whole:
            return symbol if whole == 1 else f"{whole}{symbol}"
    return f"{k:.4g} "
