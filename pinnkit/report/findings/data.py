"""Rules about data: whether what is left of them is noise."""

from ..._base.numbers import number
from ...diagnostics.condition_check import SMALL
from ...runs.run_folder import Run
from ..levels import worst_row
from ..verdict import is_healthy
from .finding import Finding, Rule, listed


def data_not_fitted(run: Run) -> Finding | None:
    """Residuals of data that are sizeable, and correlated between neighbours: they are not noise."""
    fits, checks = run.summary.data, run.summary.conditions
    names = [name for name, fit in fits.items() if not fit.is_white and not checks[name].worst.relative <= SMALL]
    if not names:
        return None
    parts = [f"'{name}' {number(run.summary.data[name].correlation)}" for name in names]
    return Finding(
        "warning",
        "The data are not fitted up to noise",
        f"Residuals of neighbouring values are correlated, those of noise are not. In standard deviations of "
        f"independent ones: {listed(parts)}.",
        "Use more steps or a larger `budget`; if that does not help, the equations do not describe the data.",
    )


def noise_not_as_given(run: Run) -> Finding | None:
    """A χ² that is improbable with the σ that was given."""
    names = [name for name, fit in run.summary.data.items() if not fit.is_likely and fit.is_white]
    if not names:
        return None
    fits = [run.summary.data[name] for name in names]
    parts = [f"'{name}' {fit.chi2:.3g} with {fit.degrees:.3g}" for name, fit in zip(names, fits, strict=True)]
    larger = fits[0].chi2 > fits[0].degrees
    return Finding(
        "warning",
        f"Errors of the data are {'larger' if larger else 'smaller'} than given",
        f"χ² and its degrees of freedom: {listed(parts)}. Intervals are too {'narrow' if larger else 'wide'}.",
        "Correct `sigma`, or leave it out to have it estimated.",
    )


def limited_by_noise(run: Run) -> Finding | None:
    """Equations that hold, and data that are fitted up to their noise: nothing else can be learnt from them."""
    fits, row = run.summary.data, worst_row(run)
    if is_healthy(run) or not fits or row is None or row[1].relative > SMALL:
        return None
    if not all(fit.is_white and fit.is_likely for fit in fits.values()):
        return None
    parts = [f"'{name}' {number(fit.sigma)}" for name, fit in fits.items()]
    return Finding(
        "warning",
        "The accuracy is that of the data",
        f"The equations hold and what is left of the data is noise, of standard deviation {listed(parts)}.",
        "Take more or more accurate data, or data where the solution depends more on what is unknown; "
        "`solution.band(...)` says where it is uncertain.",
    )


DATA_RULES: tuple[Rule, ...] = (data_not_fitted, noise_not_as_given, limited_by_noise)
