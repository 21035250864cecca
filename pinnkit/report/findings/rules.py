"""All rules, and the findings that they yield for a run."""

from ...runs.run_folder import Run
from ..verdict import is_healthy
from .conditions import CONDITION_RULES
from .data import DATA_RULES
from .determinacy import DETERMINACY_RULES
from .effort import EFFORT_RULES, unexplained
from .finding import Finding, Rule
from .kernel import KERNEL_RULES
from .losses import LOSS_RULES

RULES: tuple[Rule, ...] = (
    *CONDITION_RULES,
    *DETERMINACY_RULES,
    *DATA_RULES,
    *LOSS_RULES,
    *EFFORT_RULES,
    *KERNEL_RULES,
)


def interpret(run: Run) -> list[Finding]:
    """All findings of a run, the most severe first; `unexplained` for an unhealthy run with nothing but remarks."""
    found = [finding for rule in RULES if (finding := rule(run)) is not None]
    if not is_healthy(run) and all(finding.severity == "info" for finding in found):
        found.append(unexplained(run))
    return sorted(found, key=lambda finding: ("problem", "warning", "info").index(finding.severity))
