"""Samplers: where the collocation points are placed."""

from .adaptive import AbstractAdaptive as AbstractAdaptive
from .adaptive import ResidualAdaptive as ResidualAdaptive
from .counts import counts_of_rows as counts_of_rows
from .counts import point_counts as point_counts
from .kernel_guided import KernelGuided as KernelGuided
from .named import SAMPLERS as SAMPLERS
from .named import as_sampler as as_sampler
from .sampler import AbstractSampler as AbstractSampler
from .sampler import batch_of as batch_of
from .space_filling import AbstractSpaceFilling as AbstractSpaceFilling
from .space_filling import QuasiRandom as QuasiRandom
from .space_filling import Uniform as Uniform
