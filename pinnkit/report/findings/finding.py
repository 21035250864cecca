"""What a figure means, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...runs.run_folder import Run


@dataclass(frozen=True)
class Finding:
    """What a figure means, why it is said (with this run's figures), and what to do about it."""

    severity: Literal["info", "warning", "problem"]
    title: str
    reason: str
    action: str


Rule: TypeAlias = Callable[[Run], Finding | None]
"""From a run to what it calls for. The reason quotes figures of that run only."""


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
