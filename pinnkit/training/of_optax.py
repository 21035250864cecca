"""Optimizers of optax by name, with settings that a run folder keeps."""

import inspect
from collections.abc import Callable
from typing import Any

import optax

from .._base.arguments import is_number
from .._base.errors import InputError
from .._base.words import did_you_mean
from ..learning_rates.constant import ConstantLearningRate
from .phase import Phase
from .strategy import Strategy

PREFIX = "optax."
"""Names of these strategies begin so: `optax.adamw`."""

RATE = 1e-3
"""The learning rate if none is given."""


def optax_strategy(name: str, learning_rate: float = RATE, **settings: Any) -> Strategy:
    """One of the optimizers of optax, by its name, with unit weights: `optax_strategy("adamw", weight_decay=1e-4)`.

    - `settings`: its other arguments, numbers or truth values. They are in the settings of the run, from which
      `optax_strategy(**settings)` makes the same strategy again.

    **Raises:** `InputError` for an unknown name, for one that takes no learning rate, and for invalid arguments.
    """
    function = _optimizer(name.removeprefix(PREFIX))
    known = [key for key in inspect.signature(function).parameters if key != "learning_rate"]
    for key, value in settings.items():
        if key not in known:
            raise InputError(f"'{PREFIX}{name}' takes no argument '{key}'; it takes {', '.join(known)}")
        if not isinstance(value, bool) and not is_number(value):
            raise InputError(f"`{key}` of '{PREFIX}{name}' is a number, True or False; got {value!r}")
    optimizer = optax.chain(function(learning_rate=1.0, **settings), optax.scale(-1.0))  # the rate is that of the phase
    full, rate = f"{PREFIX}{name.removeprefix(PREFIX)}", ConstantLearningRate(learning_rate)
    return Strategy(full, (Phase(full, optimizer, rate),), settings={"name": name.removeprefix(PREFIX), **settings})


def _optimizer(name: str) -> Callable[..., optax.GradientTransformation]:
    """The function of optax that makes an optimizer at a learning rate."""
    found = {key: value for key, value in vars(optax).items() if _is_optimizer(key, value)}
    if name not in found:
        raise InputError(f"optax has no optimizer '{name}' with a learning rate.{did_you_mean(name, found)}")
    return found[name]


def _is_optimizer(name: str, value: Any) -> bool:
    if name.startswith("_") or not inspect.isfunction(value):
        return False
    parameters = inspect.signature(value).parameters
    return next(iter(parameters), None) == "learning_rate"
