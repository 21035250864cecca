"""Numbers as a reader wants them."""

import math

ABSENT = "–"


def printable(text: str) -> str:
    """Text without characters that steer a terminal or turn the direction of writing."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def number(value: float | None) -> str:
    """Three significant digits, `–` for what does not exist."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ABSENT
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e5 else f"{value:#.3g}".rstrip(".")


def count(n: int, noun: str) -> str:
    """A number of things."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def percent(share: float) -> str:
    return f"{number(100.0 * share)} %"


def share(value: float) -> str:
    """A share as a percentage, a very small one as a number."""
    return percent(value) if value == 0 or value >= 1e-3 else number(value)


def times(ratio: float) -> str:
    return f"{number(ratio)} times" if math.isfinite(ratio) else "infinitely many times"


def condition_number(value: float | None, is_lower_bound: bool) -> str:
    """A value, or `> bound`."""
    if value is None:
        return ABSENT
    return f"> {value:.2e}" if is_lower_bound else f"{value:.2e}"


def size(bytes_: int) -> str:
    """A memory size; absent where the system does not tell it."""
    if not bytes_:
        return ABSENT
    if bytes_ >= 2**30:
        return f"{bytes_ / 2**30:.2f} GiB"
    return f"{bytes_ / 2**20:.0f} MiB"


def duration(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, hours = round(seconds / 60), round(seconds / 3600, 1)
    return f"{minutes} min" if minutes < 90 else f"{hours:.1f} h"
