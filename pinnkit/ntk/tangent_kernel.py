r"""A tangent kernel that is not there until somebody asks: its products, its diagonal, its blocks.

`TangentKernel` holds functions, parameters and points. Everything else is computed from the factors of the gradients
(see `factors`), within a stated budget of memory. For $c$ derivative channels and $L$ layers of width $w$:

| what | multiply-adds | memory |
|---|---|---|
| factors | a gradient without its last product, for each point | $2 c w L$ numbers a point, kept if they fit |
| diagonal, traces | $2 c^2 w L$ a point | the factors of one tile |
| $K v$ | $2 c w^2 L$ a point, and the factors where they are not kept | one set of parameters |
| $K$ | $c^2 w L$ for a pair of points, where $J J^\top$ has $w^2 L / 2$ | $n^2$ numbers |
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from .._base.devices import MEMORY, on_host
from .._base.errors import InputError
from .._base.precision import full_precision
from .._base.types import Params
from .factors import tiles as blocks
from .factors.factors import Factors, factorise
from .factors.plan import PointFunction
from .factors.prepared import Prepared, checked

WIDTH = 32
"""Vectors per batch of products."""


class Part(NamedTuple):
    """Rows of a kernel: those of one function at its points.

    - `function`: `function(params, point)` of shape `(m,)`;
    - `points`: a tree of arrays whose leading axis counts the points;
    - `scale`: a factor of every row.
    """

    function: PointFunction
    points: Any
    scale: float = 1.0


class TangentKernel:
    r"""$K = J J^\top$ of some functions of parameters and points, stacked in the order of `parts`.

    Rows of one point stand together. All results are NumPy arrays in float64.

    **Arguments:**

    - `parts`: the functions by name;
    - `params`: where the kernel is taken, a tree of finite arrays;
    - `traced`: sum over the outputs of a point. Each point then has one row, the gradients of its outputs side by side,
      and all parts have as many outputs;
    - `memory`: bytes that factors and blocks may take; a dense matrix may take as many;
    - `dtype`: what to compute in: float64, or float32 for a kernel in single precision.

    `columns` is the number of outputs that stand side by side, 1 unless `traced`; `keeps_factors` tells whether the
    factors of all points fit half of `memory`, so that they are computed once for all products.

    **Raises:** `ValueError` where `memory` does not hold a single tile.
    """

    def __init__(
        self,
        parts: Mapping[str, Part],
        params: Params,
        *,
        traced: bool = False,
        memory: int = MEMORY,
        dtype: Any = np.float64,
    ):
        self._cast = lambda tree: jax.tree.map(lambda leaf: np.asarray(leaf, dtype), tree)
        self._given, self._params = dict(parts), params
        self.traced, self.memory, self._dtype = traced, memory, np.dtype(dtype)
        with jax.enable_x64(True), full_precision():
            self._leaves = jax.tree.leaves(self._cast(params))
            self._parts = {name: self._prepared(name, part) for name, part in parts.items()}
        self.sizes = {name: part.count * part.outputs for name, part in self._parts.items()}
        self.columns = max(part.plan.outputs for part in self._parts.values()) if traced else 1
        self.keeps_factors = sum(part.bytes for part in self._parts.values()) <= memory // 2
        self._kept: dict[tuple[str, int], Factors] = {}

    @property
    def rows(self) -> int:
        """Number of rows and columns."""
        return sum(self.sizes.values())

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.rows

    @property
    def parameters(self) -> int:
        """Number of columns of the Jacobian: the parameters, once for each output if `traced`."""
        return self.columns * sum(leaf.size for leaf in self._leaves)

    @property
    def dtype(self) -> np.dtype:
        """The lowest precision in which the entries are computed: that of the model, or the given one."""
        return np.dtype(min((part.dtype for part in self._parts.values()), key=lambda dtype: dtype.itemsize))

    @property
    def epsilon(self) -> float:
        """Rounding unit of `dtype`."""
        return float(jnp.finfo(self.dtype).eps)

    @property
    def jacobian_bytes(self) -> int:
        """Size of the Jacobian in float64."""
        return 8 * self.rows * self.parameters

    def slices(self) -> dict[str, slice]:
        """The rows of each part."""
        ends = np.cumsum([0, *self.sizes.values()]).tolist()
        return {name: slice(a, b) for name, a, b in zip(self.sizes, ends[:-1], ends[1:], strict=True)}

    def __getitem__(self, name: str) -> "TangentKernel":
        """The kernel of one part."""
        part = self._given[self._known(name)]
        return TangentKernel({name: part}, self._params, traced=self.traced, memory=self.memory, dtype=self._dtype)

    def block(self, a: str, b: str) -> Float[np.ndarray, "k l"]:
        """The block of two parts: rows of `a`, columns of `b`."""
        return self._block(self._known(a), self._known(b))

    def blocks(self) -> dict[tuple[str, str], Float[np.ndarray, "k l"]]:
        """All blocks as arrays; those below the diagonal are the transposes of those above."""
        out: dict[tuple[str, str], np.ndarray] = {}
        for a in self.sizes:
            for b in self.sizes:
                out[a, b] = out[b, a].T if (b, a) in out else self._block(a, b)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The whole matrix.

        **Raises:** `ValueError` where it is larger than `memory`.
        """
        if 8 * self.rows**2 > self.memory:
            raise InputError(
                f"the kernel of {self.rows} rows would take {8 * self.rows**2 / 1e9:.3g} GB as a matrix, more than "
                f"`memory` of {self.memory / 1e9:.3g} GB: use its products, as `leading_eigenpairs` does, or give more"
            )
        dense = np.empty(self.shape)
        rows = self.slices()
        names = list(self.sizes)
        for k, a in enumerate(names):
            for b in names[: k + 1]:
                dense[rows[a], rows[b]] = self._block(a, b)
                dense[rows[b], rows[a]] = dense[rows[a], rows[b]].T
        return dense if dtype is None else dense.astype(dtype)

    def diagonal(self) -> Float[np.ndarray, " n"]:
        """Squared lengths of the rows of J; only the factors of one tile are in memory at a time."""
        return np.concatenate([part.scale**2 * norms for part, (norms, _) in self._norms()])

    def traces(self) -> dict[str, float]:
        """The trace of each diagonal block."""
        diagonal = self.diagonal()
        return {name: float(diagonal[rows].sum()) for name, rows in self.slices().items()}

    @property
    def rounding(self) -> float:
        r"""How far rounding may have moved the matrix, in the Frobenius norm.

        $\varepsilon \sum_i s_i^2$ with $s_i \ge \lVert J_i \rVert$, the length row $i$ had if no channels cancelled.
        """
        return self.epsilon * self._magnitude

    @functools.cached_property
    def _magnitude(self) -> float:
        return sum(float(part.scale**2 * bounds.sum()) for part, (_, bounds) in self._norms())

    def matmat(self, vectors: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        """K V, a group of vectors at a time; all groups have one width, so that they are compiled once."""
        count = vectors.shape[1]
        width = min(1 << (count - 1).bit_length(), WIDTH)
        groups = np.pad(vectors, ((0, 0), (0, -count % width))).reshape(self.rows, -1, width).swapaxes(0, 1)
        with jax.enable_x64(True), full_precision():
            products = np.concatenate([self._push(self._pull(group)) for group in groups], axis=1)[:, :count]
        if not np.isfinite(products).all():
            self.diagonal()  # raises with the place
        return products

    def push(self, tangents: ArrayLike) -> Float[np.ndarray, " n *k"]:
        """J v: the change of the rows for a change of the parameters, of shape `(p,)` or `(p, k)`."""
        columns = checked("tangents", tangents, self.parameters)
        flat = columns.T.reshape(columns.shape[1] * self.columns, -1)
        ends = np.cumsum([leaf.size for leaf in self._leaves])[:-1]
        with jax.enable_x64(True), full_precision():
            leaves = [
                jnp.asarray(part.reshape(-1, *leaf.shape), self._dtype)
                for part, leaf in zip(np.split(flat, ends, axis=1), self._leaves, strict=True)
            ]
            pushed = self._push(leaves)
        return pushed[:, 0] if np.ndim(tangents) == 1 else pushed

    def pull(self, vectors: ArrayLike) -> Float[np.ndarray, " p *k"]:
        """Jᵀ a, for vectors of shape `(n,)` or `(n, k)`; parameters in the order of `ravel_pytree`."""
        columns = checked("vectors", vectors, self.rows)
        with jax.enable_x64(True), full_precision():
            leaves = self._pull(columns)
            flat = np.concatenate([on_host(leaf).astype(np.float64).reshape(len(leaf), -1) for leaf in leaves], axis=1)
        pulled = flat.reshape(columns.shape[1], -1).T
        return pulled[:, 0] if np.ndim(vectors) == 1 else pulled

    def jacobian(self) -> Float[np.ndarray, "n p"]:
        """J itself, `jacobian_bytes` large; columns in the order of `ravel_pytree`."""
        out = np.empty((self.rows, self.parameters))
        for name, part_rows in self.slices().items():
            part = self._parts[name]
            for k, rows in part.rows():
                with jax.enable_x64(True), full_precision():
                    found = on_host(blocks.rows(part.program, self._leaves, self._factors(name, k)))
                found = part.scale * found.reshape(-1, self.parameters)
                out[part_rows][rows] = found[: rows.stop - rows.start]
            part.check_finite(out[part_rows].sum(axis=1))
        return out

    def _prepared(self, name: str, part: Part) -> "Prepared":
        points = self._cast(part.points)
        factorisation = factorise(part.function, self._cast(self._params), points)
        return Prepared(name, factorisation, jax.tree.leaves(points), part.scale, self.traced, self.memory)

    def _known(self, name: str) -> str:
        if name not in self._parts:
            raise KeyError(
                f"'{name}' is not a part of this kernel; it has {list(self._parts)}; `block(a, b)` takes two"
            )
        return name

    def _factors(self, name: str, chunk: int) -> Factors:
        """The factors of a chunk of points, kept where those of all points fit the budget."""
        if (name, chunk) in self._kept:
            return self._kept[name, chunk]
        part = self._parts[name]
        constants = part.factorisation.constants
        found = blocks.stacked(part.program, part.tile, constants, self._leaves, part.padded(chunk))
        if self.keeps_factors:
            self._kept[name, chunk] = found
        return found

    def _block(self, a: str, b: str) -> Float[np.ndarray, "k l"]:
        first, second = self._parts[a], self._parts[b]
        out = np.empty((self.sizes[a], self.sizes[b]))
        scale = first.scale * second.scale
        with jax.enable_x64(True), full_precision():
            for i, rows in first.rows():
                left = self._factors(a, i)
                for j, columns in second.rows():
                    if a == b and j > i:
                        break
                    if a == b and i == j:
                        found = blocks.symmetric(first.program, self.traced, self._leaves, left)
                    else:
                        right = self._factors(b, j)
                        found = blocks.cross(first.program, second.program, self.traced, self._leaves, left, right)
                    block = on_host(found)[: rows.stop - rows.start, : columns.stop - columns.start]
                    out[rows, columns] = scale * block
                    if a == b and i != j:
                        out[columns, rows] = out[rows, columns].T
        first.check_finite(np.diagonal(out) if a == b else out.sum(axis=1))
        second.check_finite(np.diagonal(out) if a == b else out.sum(axis=0))
        return out

    def _norms(self) -> Iterator[tuple["Prepared", tuple[np.ndarray, np.ndarray]]]:
        """Of each part: the squared lengths of its rows, and the bounds for them; unscaled."""
        for part in self._parts.values():
            found = []
            for k, rows in part.rows():
                with jax.enable_x64(True), full_precision():
                    constants = part.factorisation.constants
                    pair = blocks.diagonal(part.program, part.tile, constants, self._leaves, part.padded(k))
                    found.append([part.as_rows(value)[: rows.stop - rows.start] for value in pair])
            norms, bounds = (np.concatenate(values) for values in zip(*found, strict=True))
            part.check_finite(norms)
            yield part, (norms, bounds)

    def _pull(self, vectors: np.ndarray) -> list[Any]:
        total: list[Any] | None = None
        for name, part_rows in self.slices().items():
            part = self._parts[name]
            for k, rows in part.rows():
                values = jnp.asarray(part.spread(part.scale * vectors[part_rows][rows]), self._dtype)
                found = blocks.pull(part.program, self._leaves, self._factors(name, k), values)
                total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
        assert total is not None  # noqa: S101  a kernel has at least one part
        return total

    def _push(self, tangents: Sequence[Any]) -> np.ndarray:
        out = []
        for name, part in self._parts.items():
            for k, rows in part.rows():
                found = blocks.push(part.program, self._leaves, self._factors(name, k), tangents)
                out.append(part.scale * part.gathered(on_host(found).astype(np.float64))[: rows.stop - rows.start])
        return np.concatenate(out)
