r"""An equation split into linear operators and the rest, so that a Taylor pass carries fewer channels.

Leading derivatives often enter an equation in one linear combination only, $u_{xx} + u_{yy}$ or
$u_t - \nu u_{xx}$, with coefficients that do not depend on the fields. Then

$$r = r|_{\partial^\alpha u = 0} + \sum_P (P u), \qquad P = \sum_\alpha c_\alpha \partial^\alpha,$$

and the pass needs $Pu$ instead of every $\partial^\alpha u$. Which derivatives these are follows from the equation
itself: its entries are expanded as polynomials in what they are made of (fields, their derivatives, coordinates,
coefficients, and results of other operations, which are not expanded). A derivative is linear if each monomial
with it has nothing else that depends on fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .._base.tracing.series import Index, Operator, carried
from .polynomial import AtPoint, Expansion, Polynomial, constant
from .symbols import Symbol
from .trace import Equation, FieldValue

WAVES, EQUAL = 6, 1e-9
"""Waves by which the symbol of equations is examined, and the relative difference up to which figures are equal."""

Rows = dict[tuple[int, str, int], dict[Index, Polynomial]]
"""Coefficients of derivatives by number of the equation, field and component."""


class Combined(NamedTuple):
    """A term of a row of the residual: `factor` times the value of an operator on one component of a field."""

    row: int
    field: str
    entry: int
    operator: int
    factor: float


class SplitEquation:
    """An equation as linear operators and a rest; operators are formed if that saves channels.

    - `indices`: the derivatives that are computed one by one;
    - `combined`: the terms that are added to the rest.
    """

    def __init__(self, equation: Equation):
        self._equation, self._expansion = equation, Expansion(equation)
        self._operators: list[dict[Index, Polynomial]] = []
        self.combined: list[Combined] = []
        rows, mixed = self.linear_rows()
        self._form(rows, _spared(rows, mixed))
        spared = _paying(self._operators)
        self._form(rows, spared)
        self.indices: tuple[Index, ...] = tuple(sorted((mixed | _linear(rows)) - spared))

    @property
    def size(self) -> int:
        """Number of equations."""
        return self._equation.size

    @property
    def has_elsewhere(self) -> bool:
        """Whether it contains fields at other points."""
        return bool(self._equation.elsewhere)

    def channels(self, dimension: int) -> int:
        """Number of channels of the Taylor pass."""
        return len(carried(self.indices, self._operators, dimension)) + len(self._operators)

    @property
    def orders(self) -> tuple[int, ...]:
        """The highest order of differentiation in each of `indices`, then in each operator."""
        return (*map(sum, self.indices), *(max(map(sum, operator)) for operator in self._operators))

    def operators(self, values: Mapping[Symbol, Array]) -> dict[int, Operator]:
        """The operators at a point, from the values of everything but fields."""
        value = lambda polynomial: self._expansion.value(polynomial, values)
        return {
            number: {index: value(polynomial) for index, polynomial in operator.items()}
            for number, operator in enumerate(self._operators)
        }

    def __call__(
        self, values: Mapping[Symbol, Array], at_point: AtPoint, field_value: FieldValue
    ) -> Float[Array, " m"]:
        """The residual, from the values of everything but fields, and from those of `indices` and `operators`."""
        fields, dtype = {}, jnp.result_type(*values.values())
        for name, indices in self._equation.derivatives.items():
            absent = jnp.zeros(() if self._equation.fields[name] == 1 else self._equation.fields[name], dtype)
            for index in indices:
                fields[Symbol("field", name, index)] = at_point(name, index) if index in self.indices else absent
        rest = self._equation({**values, **fields}, field_value)
        if not self.combined:
            return rest
        added = [jnp.zeros((), rest.dtype)] * self.size
        for row, field, entry, operator, factor in self.combined:
            value = jnp.ravel(at_point(field, operator))[entry]
            added[row] = added[row] + (value if factor == 1 else factor * value)
        return rest + jnp.stack(added)

    def symbol(
        self, wave: Float[np.ndarray, " d"], columns: Sequence[tuple[str, int]], constants: Mapping[str, float]
    ) -> Complex[np.ndarray, "m c"] | None:
        r"""What the equation makes of the waves $e^{i \xi \cdot x}$ of each component of the fields, over these waves;
        None if it is not linear with constant coefficients and derivatives only.

        - `wave`: ξ; `columns`: the components, as pairs of a field and a number; `constants`: values of coefficients.
        """
        rows, mixed = self.linear_rows()
        values = {Symbol("coefficient", name): jnp.asarray(value) for name, value in constants.items()}
        if mixed or self.has_elsewhere:
            return None
        found = np.zeros((self.size, len(columns)), complex)
        for (row, field, entry), terms in rows.items():
            for index, polynomial in terms.items():
                if not self._expansion.is_known(polynomial, values):
                    return None
                factor = np.prod([(1j * k) ** order for k, order in zip(wave, index, strict=True)])
                found[row, columns.index((field, entry))] += float(self._expansion.value(polynomial, values)) * factor
        return found

    def linear_rows(self) -> tuple[Rows, set[Index]]:
        """The linear terms, and the derivatives that also occur in other terms."""
        rows: Rows = {}
        mixed: set[Index] = set()
        for row, polynomial in enumerate(self._expansion.of_rows()):
            for monomial, coefficient in polynomial.items():
                atoms = [self._expansion.atoms[number] for number in monomial]
                on_fields = [place for place, atom in enumerate(atoms) if self._expansion.depends_on_fields(atom)]
                derivative = atoms[on_fields[0]].derivative if len(on_fields) == 1 else None
                if derivative is None:
                    mixed.update(*(self._expansion.derivatives_in(atoms[place]) for place in on_fields))
                    continue
                place = on_fields[0]
                terms = rows.setdefault((row, atoms[place].source.name, atoms[place].entry), {})
                rest = Polynomial({monomial[:place] + monomial[place + 1 :]: coefficient})
                terms[derivative] = terms.get(derivative, Polynomial()) + rest
        return rows, mixed

    def _form(self, rows: Rows, spared: set[Index]) -> None:
        """Form operators from the rows, restricted to some derivatives; proportional ones become one operator."""
        self._operators, self.combined = [], []
        for (row, field, entry), terms in rows.items():
            operator = {index: terms[index] for index in sorted(terms) if index in spared}
            if not operator:
                continue
            factor = next(iter(operator.values())).leading
            operator = {index: polynomial * constant(1 / factor) for index, polynomial in operator.items()}
            if operator not in self._operators:
                self._operators.append(operator)
            self.combined.append(Combined(row, field, entry, self._operators.index(operator), factor))


def is_laplacian(equation: Equation, axes: Sequence[int]) -> bool:
    """Whether the principal part is a factor times the Laplacian, of one component of a field in each equation.

    - `axes`: the coordinates of space. Derivatives of first order and those along other coordinates may be anything.
    """
    rows, mixed = SplitEquation(equation).linear_rows()
    order = lambda index: sum(index[axis] for axis in axes)
    principal = {
        place: {index: factor for index, factor in terms.items() if order(index) > 1} for place, terms in rows.items()
    }
    principal = {place: terms for place, terms in principal.items() if terms}
    pure = {tuple(2 * (axis == a) for axis in range(len(index))) for index in _linear(rows) for a in axes}
    is_each = [
        terms.keys() == pure and len({tuple(p.items()) for p in terms.values()}) == 1 for terms in principal.values()
    ]
    different = {place[1:] for place in principal}
    return (
        all(is_each)
        and all(order(index) <= 1 for index in mixed)
        and sorted(place[0] for place in principal) == list(range(equation.size))
        and len(different) == len(principal) == sum(equation.fields.values())
    )


def laplacian_power(
    equations: Sequence[Equation], dimension: int, sizes: Mapping[str, int], constants: Mapping[str, float]
) -> int:
    r"""The m for which each component of the fields of homogeneous equations satisfies $\Delta^m u = 0$, because the
    determinant of their symbol is a multiple of $|\xi|^{2m}$; 0 if there is none, or it is larger than 2.

    - `equations`: of the inside, in some number of dimensions; `sizes`: numbers of components of the fields;
    - `constants`: values of coefficients.
    """
    columns = [(name, entry) for name, size in sizes.items() for entry in range(size)]
    split = [SplitEquation(equation) for equation in equations]
    waves = np.random.default_rng(0).normal(size=(WAVES, dimension))
    if sum(each.size for each in split) != len(columns):
        return 0
    symbols = [[each.symbol(wave, columns, constants) for each in split] for wave in waves]
    if any(part is None for parts in symbols for part in parts):
        return 0
    determinants = np.linalg.det(
        np.array([np.concatenate([part for part in parts if part is not None]) for parts in symbols])
    )
    for power in (1, 2):
        ratios = determinants / np.linalg.norm(waves, axis=1) ** (2 * power)
        if np.abs(ratios - ratios[0]).max() <= EQUAL * np.abs(ratios[0]) and np.abs(ratios[0]) > 0:
            return power
    return 0


def _spared(rows: Rows, mixed: set[Index]) -> set[Index]:
    """The derivatives that only linear terms need."""
    linear = _linear(rows)
    return {index for index in linear if index not in carried(mixed, [dict.fromkeys(linear)], len(index))}


def _linear(rows: Rows) -> set[Index]:
    return {index for terms in rows.values() for index in terms}


def _paying(operators: Iterable[Mapping[Index, Any]]) -> set[Index]:
    """The derivatives in groups that share operators, if these are fewer than the derivatives."""
    groups: list[tuple[set[Index], int]] = []
    for operator in operators:
        touched = [group for group in groups if group[0] & operator.keys()]
        groups = [group for group in groups if group not in touched]
        groups.append((set(operator).union(*(g[0] for g in touched)), 1 + sum(g[1] for g in touched)))
    return set().union(*(indices for indices, count in groups if count < len(indices)))
