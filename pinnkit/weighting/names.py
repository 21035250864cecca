"""The rules by name."""

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


def as_weighting(weighting: str | AbstractWeighting) -> AbstractWeighting:
    """A rule from its name or itself.

    **Raises:** `ValueError` for an unknown name; `TypeError` for anything else.
    """
    if isinstance(weighting, AbstractWeighting):
        return weighting
    if not isinstance(weighting, str):
        raise TypeError(
            f"a weighting is a name ({', '.join(WEIGHTINGS)}) or an `AbstractWeighting`; got {type(weighting).__name__}"
        )
    if weighting not in WEIGHTINGS:
        raise ValueError(f"there is no weighting '{weighting}'; there are {', '.join(WEIGHTINGS)}")
    return WEIGHTINGS[weighting]()
