r"""The neural tangent kernel of a model, on its own: it needs a model and points, no problem and no training.

```python
from pinnkit.ntk import NTKWrapper, compute_ntk, compute_ntk_spectrum

ntk = compute_ntk(model, x)                          # J Jᵀ, (n, n), float64
eigenvalues, eigenvectors = compute_ntk_spectrum(ntk)    # descending
spectrum = NTKWrapper(model).spectrum(x)             # from singular values of J: resolves much more
print(spectrum.numerical_rank, spectrum.condition_number)
```

Conventions: no $1/n$, trace over outputs, eigenvalues descending and never clipped. What rounding hides is
said to be hidden: see `Spectrum`. All of it computes in float64, whatever the global setting of JAX, except
`jacobian_rows` and `squared_gradient_norms`, which are for use inside `jit`.
"""

from typing import TYPE_CHECKING

from .._base.lazy import lazy

if TYPE_CHECKING:
    from .any_size import kernel_spectrum as kernel_spectrum
    from .bounded_numbers import ConditionNumber as ConditionNumber
    from .bounded_numbers import Estimate as Estimate
    from .bounded_numbers import NumericalRank as NumericalRank
    from .bounded_numbers import SpectralBias as SpectralBias
    from .comparison import kernel_alignment as kernel_alignment
    from .comparison import kernel_drift as kernel_drift
    from .comparison import residual_alignment as residual_alignment
    from .density import Quadrature as Quadrature
    from .density import SpectralDensity as SpectralDensity
    from .dynamics import compute_mode_coefficients as compute_mode_coefficients
    from .dynamics import compute_mode_decay_factors as compute_mode_decay_factors
    from .dynamics import detect_spectral_bias as detect_spectral_bias
    from .dynamics import estimate_convergence_rate as estimate_convergence_rate
    from .dynamics import estimate_epochs_to_convergence as estimate_epochs_to_convergence
    from .dynamics import identify_slow_modes as identify_slow_modes
    from .dynamics import predict_mode_errors as predict_mode_errors
    from .frequency import ModeFrequency as ModeFrequency
    from .frequency import dominant_frequencies as dominant_frequencies
    from .jacobian import jacobian_rows as jacobian_rows
    from .jacobian import squared_gradient_norms as squared_gradient_norms
    from .lanczos import leading_eigenpairs as leading_eigenpairs
    from .low_rank import nystrom as nystrom
    from .output_kernel import compute_jacobian as compute_jacobian
    from .output_kernel import compute_ntk as compute_ntk
    from .output_kernel import output_ntk as output_ntk
    from .protocol import Kernel as Kernel
    from .protocol import ntk_diagonal as ntk_diagonal
    from .protocol import ntk_matvec as ntk_matvec
    from .protocol import ntk_trace as ntk_trace
    from .quadrature import spectral_density as spectral_density
    from .scalars import compute_condition_number as compute_condition_number
    from .scalars import effective_dimension as effective_dimension
    from .scalars import effective_rank as effective_rank
    from .scalars import log_determinant as log_determinant
    from .scalars import numerical_rank as numerical_rank
    from .spectrum import Spectrum as Spectrum
    from .spectrum import spectrum_of_eigenvalues as spectrum_of_eigenvalues
    from .spectrum_of import compute_ntk_spectrum as compute_ntk_spectrum
    from .spectrum_of import ntk_spectral_filtering as ntk_spectral_filtering
    from .spectrum_of import spectrum_of_jacobian as spectrum_of_jacobian
    from .spectrum_of import spectrum_of_kernel as spectrum_of_kernel
    from .tangent_kernel import Part as Part
    from .tangent_kernel import TangentKernel as TangentKernel
    from .wrapper import NTKWrapper as NTKWrapper

__getattr__, __dir__ = lazy(
    __name__,
    {
        "any_size": "kernel_spectrum",
        "bounded_numbers": "ConditionNumber Estimate NumericalRank SpectralBias",
        "comparison": "kernel_alignment kernel_drift residual_alignment",
        "density": "Quadrature SpectralDensity",
        "dynamics": (
            "compute_mode_coefficients compute_mode_decay_factors detect_spectral_bias "
            "estimate_convergence_rate estimate_epochs_to_convergence identify_slow_modes "
            "predict_mode_errors"
        ),
        "frequency": "ModeFrequency dominant_frequencies",
        "jacobian": "jacobian_rows squared_gradient_norms",
        "lanczos": "leading_eigenpairs",
        "low_rank": "nystrom",
        "output_kernel": "compute_jacobian compute_ntk output_ntk",
        "protocol": "Kernel ntk_diagonal ntk_matvec ntk_trace",
        "quadrature": "spectral_density",
        "scalars": "compute_condition_number effective_dimension effective_rank log_determinant numerical_rank",
        "spectrum": "Spectrum spectrum_of_eigenvalues",
        "spectrum_of": "compute_ntk_spectrum ntk_spectral_filtering spectrum_of_jacobian spectrum_of_kernel",
        "tangent_kernel": "Part TangentKernel",
        "wrapper": "NTKWrapper",
    },
)
