"""Fingerprints: only the same run is resumed, and a solution is loaded only with the problem that it solves."""

import hashlib
import math
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from ..._base import json_encoding
from ..._base.devices import on_host
from ...equations.exact.ansatz import Ansatz
from ...equations.problem import Problem
from ...geometry.placing import placed
from ...networks.functional import FunctionalModel
from ...residuals.functions import ResidualFunctions
from ..storage.atomic_files import RunFolderError, reason_of
from ..storage.manifest import is_sum


def difference(
    folder: Path,
    begun: Mapping[str, Any],
    now: Mapping[str, Any],
    advice: str = "resume it with what it was begun with",
) -> str | None:
    """How the stored run differs from the requested one, in a phrase; None if it does not."""
    absent = object()
    names = [name for name in {**begun, **now} if begun.get(name, absent) != now.get(name, absent)]
    if not names:
        return None
    if "problem" in names:
        return f"'{folder}' holds a run of problem '{begun['problem']}', not of '{now['problem']}'"
    told = [name if is_sum(now.get(name)) else f"{name} ({_pair(begun.get(name), now.get(name))})" for name in names]
    return f"'{folder}' holds a run that differs in: {', '.join(told)}; {advice}"


def _pair(begun: Any, now: Any) -> str:
    """Both values; of two lists, the first pair that differs."""
    if isinstance(begun, list) and isinstance(now, list) and len(begun) == len(now):
        begun, now = next((pair for pair in zip(begun, now, strict=True) if pair[0] != pair[1]), (begun, now))
    first = lambda value: value[0] if isinstance(value, list) else value
    say = lambda value: "none" if value in (None, "") else f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{say(first(begun))}, now {say(first(now))}"


class Identity(NamedTuple):
    """- `problem`, `settings`, `network`: of a run, by name; `versions`: of the packages that compute it."""

    problem: Mapping[str, Any]
    settings: Mapping[str, Any]
    network: Mapping[str, Any]
    versions: Mapping[str, str]


FINGERPRINT = "problem.json"
"""The file of a run folder that identifies its problem."""

PACKAGES = ("pinnkit", "jax", "jaxlib", "flax", "equinox", "optax", "numpy", "scipy")

POINTS = 4
"""Smallest number of points at which residuals of a condition are compared."""

ROUNDING = 1e-8
"""Relative difference, to the largest, that residuals of the same equation may have between two versions."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def problem_identity(problem: Problem) -> dict[str, Any]:
    """Name, domain, fields and coefficients; for each condition, hashes of its equation, points and data, and residuals
    of a fixed field.

    The hashes distinguish any two equations, but only within one version of JAX, whose text they are made from. The
    residuals depend on the equations alone, up to rounding.
    """
    box = problem.domain
    bounds = {name: f"[{low!r}, {high!r}]" for name, low, high in zip(box.coordinates, *_bounds(problem), strict=True)}
    found = {
        "problem": problem.name,
        **{f"range of {name}": value for name, value in bounds.items()},
        **{f"components of {name}": size for name, size in problem.field_sizes.items()},
        **{f"domain of {name}": repr(own) for name, own in problem.field_domains.own.items() if own is not box},
        **{f"coefficient {name}": value for name, value in problem.constants.items()},
        **{f"unknown coefficient {name}": plain(value) for name, value in problem.unknowns.items()},
    }
    regions = {name: condition.on for name, condition in problem.conditions.items()}
    with jax.enable_x64(True):
        middles = {name: jnp.full((max(own.least, 1), own.dimension), 0.5) for name, own in regions.items()}
        points = placed(regions, middles)
        for name, region in regions.items():
            found[f"equation of {name}"] = _sum(_ADDRESS.sub("", problem.equation(name).text))
            found[f"points of {name}"] = _sum(plain(region), *jax.tree.leaves(points[name]))
        return {**found, **{f"residual of {name}": values for name, values in _residuals(problem).items()}}


def reconciled(begun: Mapping[str, Any], now: Mapping[str, Any], same_versions: bool) -> dict[str, Any]:
    """The identity of the problem of a stored run, with entries taken from `now` that differ by rounding only.

    - `same_versions`: whether hashes can be compared; otherwise residuals decide.
    """
    found = dict(begun)
    for key, values in now.items():
        kind, _, name = key.partition(" of ")
        if kind == "residual" and _agree(begun.get(key), values):
            others = () if same_versions else (f"equation of {name}", f"points of {name}")
            found |= {same: now[same] for same in (key, *others)}
    return found


def fingerprint(problem: Problem) -> bytes:
    """Content of the file that identifies the problem of a run."""
    return json_encoding.encode({"problem": problem_identity(problem), "versions": versions()}, indent=1)


def check_fingerprint(data: bytes, problem: Problem, folder: Path) -> None:
    """**Raises:** `RunFolderError` with the difference if a run does not solve this problem."""
    try:
        found = msgspec.json.decode(data, type=_Fingerprint)
    except msgspec.DecodeError as error:
        raise RunFolderError(f"the run in '{folder}' is damaged: {FINGERPRINT}: {reason_of(error)}") from error
    now = problem_identity(problem)
    begun = reconciled(found.problem, now, found.versions == versions())
    if (text := difference(folder, begun, now, "load it with the problem that it solves")) is not None:
        raise RunFolderError(text)


class _Fingerprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    problem: dict[str, Any]
    versions: dict[str, str]


def network_identity(network: FunctionalModel, ansatz: Ansatz) -> dict[str, Any]:
    """A hash of the initial parameters of the network, and the names of hard constraints."""
    return {"network": _sum(*jax.tree.leaves(network.params)), "hard constraints": ", ".join(ansatz.conditions)}


def plain(value: Any) -> Any:
    """A setting as a number or text that is the same in every process."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int | float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return _ADDRESS.sub("", " ".join(repr(value).split()))


def _residuals(problem: Problem) -> dict[str, list[Any]]:
    """Residuals of the fields 2 + sin(w·x + b) for each condition, at a few points or all that it has."""
    sizes, dimension = sum(problem.field_sizes.values()), problem.domain.dimension
    lower, width = problem.domain.lower, problem.domain.upper - problem.domain.lower
    w = 1 + _spread(sizes * dimension).reshape(sizes, dimension)
    apply = lambda params, x: 2 + jnp.sin(w @ ((x - lower) / width) + params)
    model = FunctionalModel(jnp.asarray(np.arange(sizes, dtype=float)), apply, lambda params: params)
    residuals = ResidualFunctions(problem, model)
    shapes = {name: (max(c.on.least, POINTS), c.on.dimension) for name, c in problem.conditions.items()}
    units = {name: _spread(math.prod(shape)).reshape(shape) for name, shape in shapes.items()}
    regions = {name: condition.on for name, condition in problem.conditions.items()}
    batch = placed(regions, {name: jnp.asarray(unit) for name, unit in units.items()})
    values = jax.jit(residuals.__call__)(residuals.initial_params(model.params), batch)
    return {name: _few(r) for name, r in on_host(values).items()}


def _spread(count: int) -> np.ndarray:
    """Numbers in the unit interval: multiples of the golden ratio."""
    return np.arange(1, count + 1) * (5**0.5 - 1) / 2 % 1


def _few(values: np.ndarray) -> list[Any]:
    """The root mean square of residuals, and a few of them."""
    some = values[np.linspace(0, len(values) - 1, min(len(values), 2 * POINTS)).astype(int)]
    return [plain(value) for value in (np.sqrt(np.mean(values**2)), *some)]


def _agree(begun: Any, now: list[Any]) -> bool:
    """Whether residuals differ by no more than rounding."""
    if begun == now:
        return True
    if not isinstance(begun, list) or len(begun) != len(now):
        return False
    numbers = [value for value in (*begun, *now) if isinstance(value, int | float)]
    if len(numbers) < 2 * len(now):  # what is not finite is a word
        return False
    return bool(np.max(np.abs(np.subtract(begun, now))) <= ROUNDING * np.max(np.abs(numbers)))


def _bounds(problem: Problem) -> tuple[list[float], list[float]]:
    return problem.domain.lower.tolist(), problem.domain.upper.tolist()


def _sum(*parts: Any) -> str:
    """A hash of texts and arrays: sixteen digits."""
    found = hashlib.sha256()
    for part in parts:
        if not isinstance(part, str):
            part = np.asarray(part)
            found.update(f"{part.dtype} {part.shape}".encode())
        found.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
    return found.hexdigest()[:16]
