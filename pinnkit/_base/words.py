"""Words for people."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """As in `a`, `a and b` or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
