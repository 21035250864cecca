"""Rules about the solution itself: whether the conditions determine it, and its estimated error."""

from ..._base.numbers import share
from ...diagnostics.determinacy import FAR
from ...runs.run_folder import Run
from ..levels import correction, freedoms, is_undetermined
from ..verdict import is_healthy
from .finding import Finding, Rule, listed


def not_determined(run: Run) -> Finding | None:
    determinacy = run.summary.determinacy
    if not is_undetermined(run):
        return None
    found = (
        "Seen in the curvature of the loss at the end; smooth perturbations of the solution were not examined."
        if determinacy is None
        else f"Found among {determinacy.directions} smooth perturbations of the solution (up to degree "
        f"{determinacy.degree}); confirmed at other points and for another solution."
    )
    return Finding(
        "warning" if is_healthy(run) else "problem",
        "The conditions do not determine the solution",
        f"No residual changes when {'; when '.join(_supposed(text) for text in freedoms(run))}. {found}",
        "Add the missing condition: an initial or boundary value, a value at one point (a `PointSet`), or more data; "
        "or fix one of the coefficients.",
    )


def far_from_solution(run: Run) -> Finding | None:
    """Residuals that may be small but correspond to a large error, by the linearised equations."""
    determinacy = run.summary.determinacy
    if determinacy is None or is_undetermined(run) or is_healthy(run) or not correction(run) > FAR:
        return None
    far = [f"{name} by {share(value)}" for name, value in determinacy.distance.items() if not value <= FAR]
    return Finding(
        "warning",
        "The estimated error is large",
        f"According to the linearised equations, changing {listed(far)} of its spread would remove the smooth part of "
        f"the residuals.",
        "Small residuals do not mean a small error here. Use more steps or a larger `budget`; write the problem in "
        "units in which all terms are of order 1; for stiff equations use the logarithm of time or a shorter interval.",
    )


def _supposed(freedom: str) -> str:
    """A freedom as a condition: "a constant can be added to u" becomes "a constant is added to u"."""
    for verb, instead in ((" can be added", " is added"), (" can take", " takes"), (" can change", " change")):
        freedom = freedom.replace(verb, instead)
    return freedom


DETERMINACY_RULES: tuple[Rule, ...] = (not_determined, far_from_solution)
