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

from .dynamics import (
    compute_mode_coefficients,
    compute_mode_decay_factors,
    detect_spectral_bias,
    estimate_convergence_rate,
    estimate_epochs_to_convergence,
    identify_slow_modes,
    predict_mode_errors,
)
from .kernel import compute_jacobian, compute_ntk, jacobian_rows, squared_gradient_norms
from .spectrum import (
    ConditionNumber,
    Spectrum,
    compute_condition_number,
    compute_ntk_spectrum,
    effective_dimension,
    effective_rank,
    ntk_spectral_filtering,
    numerical_rank,
    spectrum_of_eigenvalues,
    spectrum_of_jacobian,
    spectrum_of_kernel,
)
from .wrapper import NTKWrapper

__all__ = [
    "ConditionNumber",
    "NTKWrapper",
    "Spectrum",
    "compute_condition_number",
    "compute_jacobian",
    "compute_mode_coefficients",
    "compute_mode_decay_factors",
    "compute_ntk",
    "compute_ntk_spectrum",
    "detect_spectral_bias",
    "effective_dimension",
    "effective_rank",
    "estimate_convergence_rate",
    "estimate_epochs_to_convergence",
    "identify_slow_modes",
    "jacobian_rows",
    "ntk_spectral_filtering",
    "numerical_rank",
    "predict_mode_errors",
    "spectrum_of_eigenvalues",
    "spectrum_of_jacobian",
    "spectrum_of_kernel",
    "squared_gradient_norms",
]
