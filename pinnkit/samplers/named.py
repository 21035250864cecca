"""Samplers: where the collocation points are placed."""

from collections.abc import Callable

from .._base.errors import InputError, InputTypeError
from .adaptive import ResidualAdaptive
from .kernel_guided import KernelGuided
from .sampler import AbstractSampler
from .space_filling import QuasiRandom, Uniform

SAMPLERS: dict[str, Callable[[], AbstractSampler]] = {
    "quasi-random": lambda: QuasiRandom(redraw=10),
    "uniform": lambda: Uniform(redraw=10),
    "residual-adaptive": ResidualAdaptive,
    "kernel-guided": KernelGuided,
}


def as_sampler(sampler: str | AbstractSampler) -> AbstractSampler:
    """A sampler from its name or itself.

    **Raises:** `ValueError` for an unknown name, `TypeError` for anything else.
    """
    if isinstance(sampler, AbstractSampler):
        return sampler
    if not isinstance(sampler, str):
        raise InputTypeError(f"a sampler is a name ({', '.join(SAMPLERS)}) or a sampler; got {type(sampler).__name__}")
    if sampler not in SAMPLERS:
        raise InputError(f"there is no sampler '{sampler}'; there are {', '.join(SAMPLERS)}")
    return SAMPLERS[sampler]()
