"""Weightings by name."""

from typing import TYPE_CHECKING

from .._base.registry import Registry

if TYPE_CHECKING:
    from .rule import AbstractWeighting

WEIGHTINGS: "Registry[AbstractWeighting]" = Registry(
    kind="weighting",
    base="pinnkit.weighting.rule:AbstractWeighting",
    built_in={
        "trace": "pinnkit.weighting.trace:NTKWeighting",
        "largest-eigenvalue": "pinnkit.weighting.largest_eigenvalue:LargestEigenvalueWeighting",
        "quantile": "pinnkit.weighting.quantile:QuantileWeighting",
        "residual": "pinnkit.weighting.decay_rate:DecayRateWeighting",
        "gradient-norm": "pinnkit.weighting.gradient_norm:GradientNormWeighting",
        "relobralo": "pinnkit.weighting.relobralo:ReLoBRaLoWeighting",
        "rba": "pinnkit.weighting.residual_attention:ResidualAttentionWeighting",
        "pointwise": "pinnkit.weighting.pointwise:PointwiseNTKWeighting",
        "causal": "pinnkit.weighting.causal:CausalWeighting",
    },
    group="pinnkit.weightings",
)
