"""Checks of arguments of public functions. True and False are not numbers."""

import math
import numbers
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


def is_whole(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """A whole number between two others."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and bool(least <= int(value) <= most)


def is_number(value: Any) -> bool:
    """A finite number."""
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
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


def as_double(name: str, array: "ArrayLike", ndim: int) -> "tuple[np.ndarray, float]":
    """A checked copy in float64 on the host, and the unit rounding of the argument."""
    import numpy as np

    given: Any = np.asarray(array)
    if given.ndim != ndim or given.size == 0:
        kind = {1: "vector", 2: "matrix"}[ndim]
        raise InputError(f"`{name}` must be a {kind} with at least one entry; it has shape {given.shape}")
    epsilon = _unit_rounding(given.dtype)
    if epsilon is None:
        raise InputError(f"`{name}` must hold real numbers; its dtype is {given.dtype}")
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"`{name}` holds {int((~np.isfinite(values)).sum())} value(s) that are not finite")
    return values, epsilon


def _unit_rounding(dtype: "np.dtype") -> float | None:
    """Of a floating-point type; that of float64 for integers, and None for anything else."""
    import numpy as np

    if dtype.kind in "fiu":
        return float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)
    if dtype.kind != "V":
        return None
    import jax.numpy as jnp  # which knows bfloat16 and the like

    if jnp.issubdtype(dtype, jnp.floating):
        return float(jnp.finfo(dtype).eps)
    return float(np.finfo(np.float64).eps) if jnp.issubdtype(dtype, jnp.integer) else None
