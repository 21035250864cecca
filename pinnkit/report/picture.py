"""A figure on a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from .svg import to_svg


@dataclass(frozen=True)
class Picture:
    """A figure on the page: its SVG and its caption."""

    svg: str
    caption: str
    wide: bool = False


def picture(name: str, plot: Callable[[Any], Figure], data: Any, caption: str, wide: bool = False) -> Picture:
    """A figure for the page; `name` must be unique on it."""
    return Picture(to_svg(plot(data), name, caption), caption, wide)
