"""How well data are fitted, in words and as rows of a table."""

from collections.abc import Iterator

from .._base.numbers import number
from ..runs.summary import Summary


def data_rows(summary: Summary) -> Iterator[tuple[str, str]]:
    """For each condition on measured values its noise, and χ² against its degrees of freedom."""
    for name, fit in summary.data.items():
        yield f"σ of '{name}'", f"{number(fit.sigma)} ({'given' if fit.is_given else 'estimated'})"
        if fit.probability is not None:
            yield f"χ² of '{name}'", f"{fit.chi2:.3g} with {fit.degrees:.3g} degrees of freedom"


def correlation_rows(summary: Summary) -> Iterator[tuple[str, str]]:
    """The correlation of each pair of estimated coefficients."""
    covariance = summary.coefficient_covariance
    names = [] if covariance is None else covariance.names
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert covariance is not None  # noqa: S101  there are names
            yield f"correlation of {one} and {other}", f"{covariance.correlation(one, other):.2f}"
