"""Numbers as text: no more digits than carry information."""

import math
from collections.abc import Mapping

ABSENT = "–"


def printable(text: str) -> str:
    """Text without control characters and marks that change the direction of writing."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def number(value: float | None) -> str:
    """Three significant digits; `–` for None and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ABSENT
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0.0:
        return "0"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e5 else f"{value:#.3g}".rstrip(".")


def short(value: float) -> str:
    """A whole number from 10 on, two significant digits below, no trailing zeros: 385, 38, 3.8, 2, 0.051."""
    if not math.isfinite(value):
        return number(value)
    return f"{value:,.0f}" if 10 <= abs(value) < 1e5 else f"{value:.2g}"


def count(n: int, noun: str) -> str:
    """`1 step`, `2,000 steps`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def percent(share: float) -> str:
    return ABSENT if math.isnan(share) else f"{short(100.0 * share)} %"


def share(value: float) -> str:
    """A ratio as a percentage; below 0.1 % as a number."""
    return percent(value) if value == 0 or value >= 1e-3 else number(value)


def of(ratio: float, reference: str) -> str:
    """A ratio to something, as a phrase: `38 % of the first loss`, `1.50e-13 times the first loss`."""
    return f"{percent(ratio)} of {reference}" if 1e-3 <= ratio < 1 else f"{number(ratio)} times {reference}"


def times(ratio: float) -> str:
    return f"{number(ratio)} times" if math.isfinite(ratio) else "infinitely many times"


def point(coordinates: Mapping[str, float], units: Mapping[str, str] | None = None) -> str:
    """A point of the domain: `x = 0.25, t = 1 s`."""
    of = {name: f" {unit}" for name, unit in (units or {}).items()}
    return ", ".join(f"{name} = {value:.3g}{of.get(name, '')}" for name, value in coordinates.items())


def condition_number(value: float | None, is_lower_bound: bool) -> str:
    """A value, or `> bound`."""
    if value is None:
        return ABSENT
    return f"> {value:.2e}" if is_lower_bound else f"{value:.2e}"


def size(bytes_: int) -> str:
    """A memory size; `–` where the system does not report it."""
    if not bytes_:
        return ABSENT
    if bytes_ >= 2**30:
        return f"{bytes_ / 2**30:.2f} GiB"
    return f"{bytes_ / 2**20:.0f} MiB"


def duration(seconds: float) -> str:
    """A rounded time: seconds, minutes or hours."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, hours = round(seconds / 60), round(seconds / 3600, 1)
    return f"{minutes} min" if minutes < 90 else f"{hours:.1f} h"
