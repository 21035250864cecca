"""Loss weights: how much each condition, or each of its points, counts."""

from .balance import AbstractBalance as AbstractBalance
from .balance import Balance as Balance
from .causal import CausalWeighting as CausalWeighting
from .fixed import fixed_weights as fixed_weights
from .kernel import DecayRateWeighting as DecayRateWeighting
from .kernel import GradientNormWeighting as GradientNormWeighting
from .kernel import LargestEigenvalueWeighting as LargestEigenvalueWeighting
from .kernel import NTKWeighting as NTKWeighting
from .kernel import PointwiseNTKWeighting as PointwiseNTKWeighting
from .kernel import QuantileWeighting as QuantileWeighting
from .named import WEIGHTINGS as WEIGHTINGS
from .points import AbstractPointWeighting as AbstractPointWeighting
from .points import ResidualAttentionWeighting as ResidualAttentionWeighting
from .relative import ReLoBRaLoWeighting as ReLoBRaLoWeighting
from .rule import AbstractWeighting as AbstractWeighting
from .rule import renewed as renewed
