"""Arguments of the main functions that were given in place of others."""

from collections.abc import Mapping, Sequence
from typing import Any

from ._base.errors import InputTypeError
from .automatic.choices import Choices
from .equations.problem import Problem
from .runs.callbacks import Callback
from .samplers.sampler import AbstractSampler
from .training.strategy import Strategy
from .weighting.rule import AbstractWeighting


def check_model(model: Any) -> None:
    """**Raises:** `TypeError` for what is another argument of `fit`, with the name of that argument."""
    if isinstance(model, Problem):
        raise InputTypeError("a second problem was given where a model goes")
    if isinstance(model, Strategy | str):
        what = f"the name '{model}'" if isinstance(model, str) else f"the strategy '{model.name}'"
        raise InputTypeError(f"{what} was given where a model goes; write `strategy=` before it")
    if isinstance(model, AbstractWeighting | AbstractSampler):
        name = "weighting" if isinstance(model, AbstractWeighting) else "sampler"
        raise InputTypeError(f"a {name} was given where a model goes; write `{name}=` before it")


def check_callbacks(callbacks: Any) -> None:
    """**Raises:** `TypeError` for anything but a list of callbacks."""
    if not isinstance(callbacks, Sequence):
        raise InputTypeError(f"`callbacks` is a list of callbacks; got {type(callbacks).__name__}")
    if wrong := [callback for callback in callbacks if not isinstance(callback, Callback)]:
        given = f"the class {wrong[0].__name__}" if isinstance(wrong[0], type) else type(wrong[0]).__name__
        raise InputTypeError(f"a callback is a `pinnkit.Callback`, got {given}")


def check_choices(choices: Any) -> None:
    """**Raises:** `TypeError` for anything but `Choices`."""
    if not isinstance(choices, Choices):
        raise InputTypeError(f"`choices` is a `Choices`, got {type(choices).__name__}")


def check_weights(weights: Any, condition: str) -> None:
    """**Raises:** `TypeError` for anything but numbers by condition, such as `condition`."""
    if weights is not None and not isinstance(weights, Mapping):
        raise InputTypeError(
            f"`weights` has a number for each condition, as in `{{'{condition}': 10.0}}`; got {type(weights).__name__} "
            "(a rule is given as `weighting=`)"
        )
