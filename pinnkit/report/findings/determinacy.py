"""Rules about the solution itself: whether the conditions determine it, and how far away it is."""

from ...runs.run_folder import Run
from ..levels import FAR, correction, is_undetermined
from ..numbers import share
from ..verdict import is_healthy
from .finding import Finding, Rule, listed


def not_determined(run: Run) -> Finding | None:
    determinacy = run.summary.determinacy
    if determinacy is None or not is_undetermined(run):
        return None
    return Finding(
        "warning" if is_healthy(run) else "problem",
        "The conditions do not determine the solution",
        f"No residual changes when {'; when '.join(_supposed(text) for text in determinacy.freedoms)}. This was found "
        f"among {determinacy.directions} smooth changes of the solution (degree {determinacy.degree}), and confirmed "
        f"on other points and at another solution.",
        "Add the condition that is missing: an initial or boundary value, a value at one point (a `PointSet`), or more "
        "data; or fix one of the coefficients.",
    )


def far_from_solution(run: Run) -> Finding | None:
    """Small residuals, and yet a solution that they would change."""
    determinacy = run.summary.determinacy
    if determinacy is None or is_undetermined(run) or is_healthy(run) or not correction(run) > FAR:
        return None
    far = [f"{name} by {share(value)}" for name, value in determinacy.distance.items() if not value <= FAR]
    return Finding(
        "warning",
        "The residuals call for another solution",
        f"By the linearised equations, changing {listed(far)} of its spread would remove the smooth part of the "
        f"residuals.",
        "Small residuals do not mean a small error here. Use more steps or a larger `budget`; write the problem in "
        "units in which all terms are of order 1; for stiff equations use the logarithm of time, or shorter times.",
    )


def _supposed(freedom: str) -> str:
    """`a constant can be added to u` as a supposition."""
    for verb, instead in ((" can be added", " is added"), (" can take", " takes"), (" can change", " change")):
        freedom = freedom.replace(verb, instead)
    return freedom


DETERMINACY_RULES: tuple[Rule, ...] = (not_determined, far_from_solution)
