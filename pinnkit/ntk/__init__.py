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

from .any_size import kernel_spectrum
from .bounded_numbers import ConditionNumber, Estimate, NumericalRank, SpectralBias
from .comparison import kernel_alignment, kernel_drift, residual_alignment
from .density import Quadrature, SpectralDensity
from .dynamics import (
    compute_mode_coefficients,
    compute_mode_decay_factors,
    detect_spectral_bias,
    estimate_convergence_rate,
    estimate_epochs_to_convergence,
    identify_slow_modes,
    predict_mode_errors,
)
from .frequency import ModeFrequency, dominant_frequencies
from .jacobian import jacobian_rows, squared_gradient_norms
from .lanczos import leading_eigenpairs
from .nystrom import nystrom
from .output_kernel import compute_jacobian, compute_ntk, output_ntk
from .protocol import Kernel, ntk_diagonal, ntk_matvec, ntk_trace
from .quadrature import spectral_density
from .scalars import compute_condition_number, effective_dimension, effective_rank, log_determinant, numerical_rank
from .spectrum import Spectrum, spectrum_of_eigenvalues
from .spectrum_of import compute_ntk_spectrum, ntk_spectral_filtering, spectrum_of_jacobian, spectrum_of_kernel
from .tangent_kernel import Part, TangentKernel
from .wrapper import NTKWrapper

__all__ = [
    "ConditionNumber",
    "Estimate",
    "Kernel",
    "ModeFrequency",
    "NTKWrapper",
    "NumericalRank",
    "Part",
    "Quadrature",
    "SpectralBias",
    "SpectralDensity",
    "Spectrum",
    "TangentKernel",
    "compute_condition_number",
    "compute_jacobian",
    "compute_mode_coefficients",
    "compute_mode_decay_factors",
    "compute_ntk",
    "compute_ntk_spectrum",
    "detect_spectral_bias",
    "dominant_frequencies",
    "effective_dimension",
    "effective_rank",
    "estimate_convergence_rate",
    "estimate_epochs_to_convergence",
    "identify_slow_modes",
    "jacobian_rows",
    "kernel_alignment",
    "kernel_drift",
    "kernel_spectrum",
    "leading_eigenpairs",
    "log_determinant",
    "ntk_diagonal",
    "ntk_matvec",
    "ntk_spectral_filtering",
    "ntk_trace",
    "numerical_rank",
    "nystrom",
    "output_ntk",
    "predict_mode_errors",
    "residual_alignment",
    "spectral_density",
    "spectrum_of_eigenvalues",
    "spectrum_of_jacobian",
    "spectrum_of_kernel",
    "squared_gradient_norms",
]
