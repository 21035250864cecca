"""Words for people."""

import difflib
from collections.abc import Iterable, Sequence


def listed(words: Sequence[str]) -> str:
    """As in `a`, `a and b` or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """As in ` Did you mean 'ntk-adam'?`, for a name in other letters, shortened or misspelt; empty if none is close."""
    known = {_plain(other): other for other in names}
    close = [key for key in known if _plain(name) in key.split("-")] if name else []
    close = close or difflib.get_close_matches(_plain(name), known, n=1)
    return f" Did you mean {' or '.join(repr(known[key]) for key in close[:2])}?" if close else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")
