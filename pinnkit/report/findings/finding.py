"""A finding: what figures of a run mean, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...runs.run_folder import Run


@dataclass(frozen=True)
class Finding:
    """An interpretation of a run.

    - `severity`: `problem`, `warning` or `info`; `title`: the finding in a few words;
    - `reason`: the figures of the run behind it; `action`: what to do.
    """

    severity: Literal["info", "warning", "problem"]
    title: str
    reason: str
    action: str


Rule: TypeAlias = Callable[[Run], Finding | None]
"""A function from a run to a finding, or None where it does not apply."""


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
