"""Words for people."""

import difflib
from collections.abc import Iterable, Sequence


def listed(words: Sequence[str]) -> str:
    """As in `a`, `a and b` or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """As in ` Did you mean 'ntk-adam'?`, for a name in other letters, shortened or misspelt; empty if none is close."""
    known = {plain(other): other for other in names}
    close = [key for key in known if plain(name) in key.split("-")] if name else []
    close = close or difflib.get_close_matches(plain(name), known, n=1)
    return f" Did you mean {' or '.join(repr(known[key]) for key in close[:2])}?" if close else ""


def plain(name: str) -> str:
    """A name in small letters and with hyphens, by which names are compared."""
    return name.lower().replace("_", "-").replace(" ", "-")
