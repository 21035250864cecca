r"""Whether the conditions determine the solution: changes of it that no residual answers to.

Smooth changes of the fields and of the unknown coefficients (see `perturbation`) are measured against the spread of
each field, residuals against what a change of that size makes of them on average. A direction whose residuals change by
less than `UNSEEN` of that is a freedom of the solution, if two things confirm it:

- on other points the residuals answer as little;
- after a change of sizeable amplitude there is a nearby solution again, found by Gauss-Newton steps across the freedom.
  A double root, where the derivative vanishes and the residual does not, fails here.

Freedoms that vary faster than the family does are not found, and nor are those of nonlinear problems far from any
solution, where derivatives say nothing about solutions.

By the same derivatives the residual that is left says how far the solution is from one of the equations: the change
$-J^+ r$ that would remove what is smooth of it.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import solve_triangular

from .._base.types import Params
from ..equations.exact.ansatz import Ansatz
from ..networks.functional import FunctionalModel
from ..residuals.functions import Batch
from .determinacy import Determinacy
from .freedom import Shapes, describe
from .perturbation import Perturbation, Response

SMOOTH = 4
"""Total degree of the changes that set the scales of the residuals, or the order of the equations if that is higher."""

UNSEEN, ROUNDING = 1e-9, 10 * float(np.finfo(float).eps)
"""A change of the fields by their spread that moves the residuals by less, relative to what a smooth change does, is a
freedom. Determined problems of order 1 have 1e-4 and more, exponential growth by a factor g and rates that are g apart
about 1/g. Nothing is seen below the second share of the largest response."""

CONFIRMED = 1e-6
"""Relative change of the residuals at which a freedom is confirmed."""

NEAR = 0.1
"""Distance from a solution, in spreads of the fields, up to which freedoms of a nonlinear problem are believed."""

AMPLITUDE = 0.3
"""Of a change that confirms, in spreads of the fields."""

CORRECTIONS = 4
"""Largest number of Gauss-Newton steps towards a nearby solution."""

MOST_CONFIRMED = 4
"""Freedoms that are tried one by one; many come as a family, of which these are the least seen."""

LINEAR = 1e-12
"""Relative difference of the derivatives at two places below which they are the same."""

HIDDEN = 1e-3
"""A field whose change by its spread moves no residual by more than this, beside the other fields, has a spread that
says nothing (it is zero, say); its changes are measured by the residuals."""

FOLLOWED = 0.1
"""A model that was handed in can follow a freedom if its parameters reach it up to this share."""


class _Scaled(NamedTuple):
    """Derivatives in normalised directions, rows in their scales.

    - `to_changes`: from normalised directions to those of the perturbation; `spreads`: what a field is measured by;
    - `is_linear`: whether the derivatives are the same elsewhere.
    """

    jacobian: Float[np.ndarray, "n k"]
    to_changes: Float[np.ndarray, "k k"]
    scales: dict[tuple[str, int], float]
    spreads: Float[np.ndarray, " m"]
    is_linear: bool


def examine(
    ansatz: Ansatz,
    model: FunctionalModel,
    params: Params,
    weights: Mapping[str, float],
    seed: int,
    is_own: bool = False,
) -> Determinacy:
    """Find the freedoms of a solution, and how far it is from one of the equations. Double precision must be in force.

    - `ansatz`: the hard constraints; `model`: the network inside it; `params`: everything that was trained;
    - `weights`: of the conditions in the loss;
    - `seed`: of the points, another than that of the training points;
    - `is_own`: whether the model was handed in and may have conditions of its own inside.
    """
    change = Perturbation(ansatz, model, params)
    points, batch = change.points(4 * max(map(len, change.families)), seed), change.batch(seed + 1)
    first = change.response(np.zeros(change.size), batch)
    scaled = _scaled(change, first, batch, points)
    least, free = _least_seen(scaled.jacobian)
    distance = _distance(change, scaled, first, weights, points, free)
    if not scaled.is_linear and not max(distance.values()) <= NEAR:
        free = free[:, :0]
    free = _unseen_again(free, change, scaled, seed + 2)
    free = _confirmed(free, change, scaled, first, batch)
    if is_own:
        free = _followed(free, change, scaled, model, params, points)
    return Determinacy(
        freedoms=describe(_shapes(free, change, scaled, points)) if free.shape[1] else [],
        directions=change.size,
        degree=max(int(family.degrees[-1]) for family in change.families),
        least_seen=least,
        distance=distance,
    )


def _least_seen(J: Float[np.ndarray, "n k"]) -> tuple[float, Float[np.ndarray, "k f"]]:
    """The smallest singular value of those that are seen, 0 without any, and the directions that are not seen."""
    _, s, Vt = np.linalg.svd(J, full_matrices=len(J) < J.shape[1])
    s = np.concatenate([s, np.zeros(len(Vt) - len(s))])
    seen = s > max(UNSEEN, ROUNDING * s[0])
    return float(s[seen][-1]) if seen.any() else 0.0, Vt[~seen].T


# Scales.


def _scaled(change: Perturbation, at: Response, batch: Batch, points: Float[np.ndarray, "m n d"]) -> _Scaled:
    """Directions of the fields orthonormal on the points, in units of the spreads; rows in what smooth changes do."""
    values, spreads = change.fields(points), _spreads(change, change.solution(points))
    for _ in range(2):
        visible = _visible(change, at.jacobian @ _normalised(change, values / spreads[:, None]), at)
        spreads = spreads / np.where((visible > 0) & (visible < HIDDEN), visible, 1.0)
    to_changes = _normalised(change, values / spreads[:, None])
    J, smooth = at.jacobian @ to_changes, _smooth(change)
    moved = change.response(to_changes[:, smooth] @ _amplitudes(int(smooth.sum())), batch)
    secant = {key: float(np.linalg.norm((moved.residual - at.residual)[part])) for key, part in at.rows.items()}
    secant = {key: size / AMPLITUDE if math.isfinite(size) else 0.0 for key, size in secant.items()}
    scales = {key: max(_rms(J[part][:, smooth]), secant[key]) or _rms(J[part]) for key, part in at.rows.items()}
    is_linear = np.allclose(moved.jacobian, at.jacobian, rtol=0, atol=LINEAR * float(np.abs(at.jacobian).max()))
    return _Scaled(_by_rows(J, at, scales), to_changes, scales, spreads, is_linear)


def _normalised(change: Perturbation, values: Float[np.ndarray, "n m k"]) -> Float[np.ndarray, "p p"]:
    """Directions with orthonormal values: those of low degree are spanned by the first of each output."""
    number, out = len(change.coefficients), np.zeros((change.size, change.size))
    out[range(number), range(number)] = _sizes(change)
    R = np.linalg.qr(values.reshape(-1, values.shape[-1]) / math.sqrt(len(values)), mode="r")
    out[number:, number:] = solve_triangular(R, np.eye(len(R)))
    return out


def _smooth(change: Perturbation) -> Bool[np.ndarray, " k"]:
    """The directions that set scales: all coefficients, and of each output the changes of low degree."""
    symbols = [symbol for name in change.problem.conditions for symbol in change.problem.equation(name).symbols]
    order = max((sum(symbol.orders) for symbol in symbols if symbol.kind == "field"), default=0)
    low = [family.degrees <= max(SMOOTH, order) for family in change.families]
    return np.concatenate([np.ones(len(change.coefficients), bool), *low])


def _sizes(change: Perturbation) -> Float[np.ndarray, " q"]:
    """What counts as a change of each unknown coefficient: by a factor e, or by its own size."""
    unknowns, sizes = change.problem.unknowns, []
    for name in change.coefficients:
        value = float(unknowns[name].to_value(change.raw[name]))
        sizes.append(1.0 if unknowns[name].positive else max(abs(value), abs(unknowns[name].initial)) or 1.0)
    return np.array(sizes)


def _spreads(change: Perturbation, solution: Float[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    """Standard deviation of each field, the largest of its components; its size where it does not vary; else 1."""
    out, first = [], 0
    for size in change.problem.field_sizes.values():
        values = solution[:, first : first + size]
        spread = float(np.sqrt(values.var(axis=0).max()))
        largest = float(np.abs(values).max())
        out += size * [spread if spread > math.sqrt(np.finfo(float).eps) * largest else largest or 1.0]
        first += size
    return np.array(out)


def _visible(change: Perturbation, J: Float[np.ndarray, "n k"], at: Response) -> Float[np.ndarray, " m"]:
    """For each output how much it moves the residual it moves most, beside the output that moves that one most."""
    by_output = [J[:, own] for own in change.columns]
    moved = np.array([[_rms(part[rows]) for part in by_output] for rows in at.rows.values()])
    return np.max(moved / np.maximum(moved.max(axis=1, keepdims=True), np.finfo(float).tiny), axis=0)


def _amplitudes(number: int) -> Float[np.ndarray, " k"]:
    """Of a sizeable change: with it the scale of rows whose derivative vanishes by chance is larger."""
    a = np.random.default_rng(0).standard_normal(number)
    return AMPLITUDE * a / np.linalg.norm(a)


def _rms(J: Float[np.ndarray, "n k"]) -> float:
    """Of a direction, rows being averaged already."""
    return float(np.linalg.norm(J)) / math.sqrt(J.shape[1])


def _by_rows(
    values: Float[np.ndarray, " n *k"], at: Response, scales: Mapping[tuple[str, int], float]
) -> Float[np.ndarray, " n *k"]:
    """Every equation over its scale; those that nothing moves are left as they are."""
    out = np.array(values)
    for key, part in at.rows.items():
        out[part] /= scales[key] or 1.0
    return out


# Freedoms, as columns of normalised directions.


def _unseen_again(
    free: Float[np.ndarray, "k f"], change: Perturbation, scaled: _Scaled, seed: int
) -> Float[np.ndarray, "k f"]:
    """The part of the freedoms that no residual sees on other points either."""
    if not free.shape[1]:
        return free
    other = change.response(np.zeros(change.size), change.batch(seed))
    moved = _by_rows(other.jacobian @ (scaled.to_changes @ free), other, scaled.scales)
    _, s, Vt = np.linalg.svd(moved, full_matrices=False)
    return free @ Vt[::-1][s[::-1] <= CONFIRMED].T


def _confirmed(
    free: Float[np.ndarray, "k f"], change: Perturbation, scaled: _Scaled, first: Response, batch: Batch
) -> Float[np.ndarray, "k g"]:
    """The freedoms along which there are other solutions at some distance."""
    tried = range(min(free.shape[1], MOST_CONFIRMED))
    kept = [i for i in tried if _leads_on(i, free, change, scaled, first, batch)]
    return free if len(kept) == len(tried) else free[:, kept]


def _leads_on(
    i: int, free: Float[np.ndarray, "k f"], change: Perturbation, scaled: _Scaled, first: Response, batch: Batch
) -> bool:
    """Whether a change along a freedom, corrected across all of them, leaves the residuals as they were."""
    a = AMPLITUDE * free[:, i]
    before = _by_rows(first.residual, first, scaled.scales)
    for _ in range(1 + CORRECTIONS):
        at = change.response(scaled.to_changes @ a, batch)
        moved = _by_rows(at.residual, at, scaled.scales) - before
        if not np.isfinite(moved).all():
            return False
        if np.linalg.norm(moved) <= CONFIRMED * AMPLITUDE:
            return True
        J = _by_rows(at.jacobian @ scaled.to_changes, at, scaled.scales)
        across = J - (J @ free) @ free.T
        step = np.linalg.lstsq(across, -moved, rcond=UNSEEN)[0]
        a = a + step - free @ (free.T @ step)
    return False


def _followed(
    free: Float[np.ndarray, "k f"],
    change: Perturbation,
    scaled: _Scaled,
    model: FunctionalModel,
    params: Params,
    points: Float[np.ndarray, "m n d"],
) -> Float[np.ndarray, "k g"]:
    """The part of the freedoms that the parameters of the model can follow."""
    if not free.shape[1]:
        return free
    by_output = lambda leaf: leaf.reshape(change.outputs, -1)
    slopes = lambda x: jnp.hstack(list(map(by_output, jax.tree.leaves(jax.jacrev(model.apply)(params["network"], x)))))
    tangent = change.at_points(jax.jit(jax.vmap(slopes)), points)
    rows = len(tangent) * change.outputs
    tangent = tangent.reshape(rows, -1)
    U, s, _ = np.linalg.svd(tangent, full_matrices=False)
    U = U[:, s > rows * np.finfo(float).eps * s[0]] if s[0] > 0 else U[:, :0]
    number = len(change.coefficients)
    values = change.fields(points).reshape(rows, -1) @ (scaled.to_changes @ free)[number:]
    _, missed, Vt = np.linalg.svd(values - U @ (U.T @ values), full_matrices=False)
    return free @ Vt[missed <= FOLLOWED * np.linalg.norm(values, 2)].T


def _shapes(
    free: Float[np.ndarray, "k f"], change: Perturbation, scaled: _Scaled, points: Float[np.ndarray, "m n d"]
) -> Shapes:
    """Values and derivatives of the freedoms."""
    number, c = len(change.coefficients), scaled.to_changes @ free
    values = lambda x: change.fields(x) @ c[number:]
    box, outputs = change.problem.domain, []
    for name, size in change.problem.field_sizes.items():
        outputs += [name] if size == 1 else [f"{name}[{i}]" for i in range(size)]
    return Shapes(
        coordinates=box.coordinates,
        points=points,
        outputs=tuple(outputs),
        spreads=scaled.spreads,
        values=values(points),
        shifted=np.stack([values(_shifted(points, axis)) for axis in range(box.dimension)], axis=2),
        coefficients=change.coefficients,
        changes=c[:number],
    )


def _shifted(points: Float[np.ndarray, "m n d"], axis: int) -> Float[np.ndarray, "m n d"]:
    """Points with one coordinate exchanged among them."""
    out = points.copy()
    out[..., axis] = np.roll(points[..., axis], 1, axis=-1)
    return out


# Distance from a solution.


def _distance(
    change: Perturbation,
    scaled: _Scaled,
    at: Response,
    weights: Mapping[str, float],
    points: Float[np.ndarray, "m n d"],
    free: Float[np.ndarray, "k f"],
) -> dict[str, float]:
    """For each field the smooth change, over the field's spread, that would remove what is smooth of the residual.

    Noise of data leaves residuals that no change removes; what balances them depends on the weights. So the smaller
    change is taken of two: with the weights of the loss, and with every equation in its own scale.
    """
    by_loss = {key: 1 / math.sqrt(weights[key[0]]) if weights[key[0]] > 0 else math.inf for key in at.rows}
    found = []
    for scales in (scaled.scales, by_loss):
        J, r = _by_rows(at.jacobian @ scaled.to_changes, at, scales), _by_rows(at.residual, at, scales)
        J = J - (J @ free) @ free.T
        norms = np.linalg.norm(J, axis=0)
        norms = np.where(norms > 0, norms, 1.0)
        step = np.linalg.lstsq(J / norms, -r, rcond=None)[0] / norms
        c = scaled.to_changes @ (step - free @ (free.T @ step))
        moved = change.fields(points) @ c[len(change.coefficients) :]
        sizes = np.sqrt(np.mean(moved**2, axis=0)) / scaled.spreads
        found.append(np.where(np.isfinite(sizes), sizes, np.inf))
    smaller = min(found, key=np.max)
    out, first = {}, 0
    for name, size in change.problem.field_sizes.items():
        out[name] = float(np.max(smaller[first : first + size]))
        first += size
    return out
