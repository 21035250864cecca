"""What run it is: by what a run is told from another one, so that only the same one is resumed."""

import hashlib
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .ansatz import Ansatz
from .model import FunctionalModel
from .problem import Problem


class Identity(NamedTuple):
    """- `problem`, `settings`, `network`: what a run is of, by name; `versions`: what computes it."""

    problem: Mapping[str, Any]
    settings: Mapping[str, Any]
    network: Mapping[str, Any]
    versions: Mapping[str, str]


PACKAGES = ("pinnkit", "jax", "jaxlib", "flax", "equinox", "optax", "numpy", "scipy")

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def versions() -> dict[str, str]:
    """Of Python and the packages that compute."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def problem_identity(problem: Problem) -> dict[str, Any]:
    """Name, domain, fields, coefficients, and sums of equations, points and data."""
    box = problem.domain
    bounds = {name: f"[{low!r}, {high!r}]" for name, low, high in zip(box.coordinates, *_bounds(problem), strict=True)}
    found = {
        "problem": problem.name,
        **{f"range of {name}": value for name, value in bounds.items()},
        **{f"components of {name}": size for name, size in problem.field_sizes.items()},
        **{f"coefficient {name}": value for name, value in problem.constants.items()},
        **{f"unknown coefficient {name}": plain(value) for name, value in problem.unknowns.items()},
    }
    with jax.enable_x64(True):
        for name, condition in problem.conditions.items():
            found[f"equation of {name}"] = _sum(_ADDRESS.sub("", problem.equation(name).text))
            region = condition.on
            middle = region.points(jnp.full((max(region.least, 1), region.dimension), 0.5))
            found[f"points of {name}"] = _sum(plain(region), *jax.tree.leaves(middle))
    return found


def network_identity(network: FunctionalModel, ansatz: Ansatz) -> dict[str, Any]:
    """Sums of the network's first parameters, and what holds by construction."""
    return {"network": _sum(*jax.tree.leaves(network.params)), "exact conditions": ", ".join(ansatz.conditions)}


def plain(value: Any) -> Any:
    """A setting as a number or text that is the same in every process."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        return value if isinstance(value, int | float) else value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return _ADDRESS.sub("", " ".join(repr(value).split()))


def _bounds(problem: Problem) -> tuple[list[float], list[float]]:
    return problem.domain.lower.tolist(), problem.domain.upper.tolist()


def _sum(*parts: Any) -> str:
    """Sixteen digits that tell texts and arrays apart."""
    found = hashlib.sha256()
    for part in parts:
        if not isinstance(part, str):
            part = np.asarray(part)
            found.update(f"{part.dtype} {part.shape}".encode())
        found.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
    return found.hexdigest()[:16]
