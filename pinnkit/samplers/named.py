"""Samplers by name."""

from typing import TYPE_CHECKING

from .._base.registry import Registry

if TYPE_CHECKING:
    from .sampler import AbstractSampler

SAMPLERS: "Registry[AbstractSampler]" = Registry(
    kind="sampler",
    base="pinnkit.samplers.sampler:AbstractSampler",
    built_in={
        "quasi-random": "pinnkit.samplers.space_filling:redrawn_quasi_random",
        "uniform": "pinnkit.samplers.space_filling:redrawn_uniform",
        "residual-adaptive": "pinnkit.samplers.residual_adaptive:ResidualAdaptive",
        "kernel-guided": "pinnkit.samplers.kernel_guided:KernelGuided",
    },
    group="pinnkit.samplers",
)
