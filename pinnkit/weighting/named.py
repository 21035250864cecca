"""Loss weights: how much each condition, or each of its points, counts."""

from collections.abc import Callable

from .causal import CausalWeighting
from .kernel import (
    DecayRateWeighting,
    GradientNormWeighting,
    LargestEigenvalueWeighting,
    NTKWeighting,
    PointwiseNTKWeighting,
    QuantileWeighting,
)
from .points import ResidualAttentionWeighting
from .relative import ReLoBRaLoWeighting
from .rule import AbstractWeighting

WEIGHTINGS: dict[str, Callable[[], AbstractWeighting]] = {
    "trace": NTKWeighting,
    "largest-eigenvalue": LargestEigenvalueWeighting,
    "quantile": QuantileWeighting,
    "residual": DecayRateWeighting,
    "gradient-norm": GradientNormWeighting,
    "relobralo": ReLoBRaLoWeighting,
    "rba": ResidualAttentionWeighting,
    "pointwise": PointwiseNTKWeighting,
    "causal": CausalWeighting,
}
