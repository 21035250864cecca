"""Checks of arguments of public functions. True and False are not numbers."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from .errors import InputError


def is_whole(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """A whole number between two others."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(least <= value <= most)


def is_number(value: Any) -> bool:
    """A finite number."""
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def is_positive(value: Any) -> bool:
    """A finite number > 0."""
    return is_number(value) and value > 0


def check_whole(least: int = 1, **values: Any) -> None:
    """**Raises:** `ValueError` with the name of a value that is not a whole number ≥ `least`."""
    _check(lambda value: is_whole(value, least), f"a whole number ≥ {least}", values)


def check_positive(**values: Any) -> None:
    """**Raises:** `ValueError` with the name of a value that is not a finite number > 0."""
    _check(is_positive, "a finite number > 0", values)


def check_not_negative(**values: Any) -> None:
    """**Raises:** `ValueError` with the name of a value that is not a finite number ≥ 0."""
    _check(lambda value: is_number(value) and value >= 0, "a finite number ≥ 0", values)


def check_share(**values: Any) -> None:
    """**Raises:** `ValueError` with the name of a value that is not a number in [0, 1)."""
    _check(lambda value: is_number(value) and 0 <= value < 1, "a number in [0, 1)", values)


def check_flag(**values: Any) -> None:
    """**Raises:** `ValueError` with the name of a value that is neither True nor False."""
    _check(lambda value: isinstance(value, bool), "True or False", values)


def _check(is_fine: Callable[[Any], bool], wanted: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not is_fine(value):
            raise InputError(f"`{name}` is {wanted}, got {value!r}")


def as_double(name: str, array: ArrayLike, ndim: int) -> tuple[np.ndarray, float]:
    """A checked copy in float64 on the host, and the unit rounding of the argument."""
    given: Any = np.asarray(array)
    if given.ndim != ndim or given.size == 0:
        kind = {1: "vector", 2: "matrix"}[ndim]
        raise InputError(f"`{name}` must be a {kind} with at least one entry; it has shape {given.shape}")
    if not (jnp.issubdtype(given.dtype, jnp.floating) or jnp.issubdtype(given.dtype, jnp.integer)):
        raise InputError(f"`{name}` must hold real numbers; its dtype is {given.dtype}")
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"`{name}` holds {int((~np.isfinite(values)).sum())} value(s) that are not finite")
    floating = jnp.issubdtype(given.dtype, jnp.floating)
    return values, float(jnp.finfo(given.dtype if floating else np.float64).eps)
