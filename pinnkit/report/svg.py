"""Figures as SVG elements of a page."""

import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .._base.numbers import printable
from ..drawing.style import GRID, INK, PALETTE, STYLE

_THEME = {INK: "currentColor", GRID: "var(--grid)", **{c: f"var(--series-{i})" for i, c in enumerate(PALETTE)}}

_TAG = re.compile(r"<[^>]*>")  # `>` is escaped in text and attributes, so this is exactly the tags

_COLOR = re.compile(rf"(?<=[ :])({'|'.join(_THEME)})\b")


def to_svg(figure: Figure, name: str, title: str = "") -> str:
    """The figure as an `<svg>` element in the colours of the page.

    - `name`: must differ between the figures of a page, for it salts the ids; `title`: what the figure shows, for those
      who do not see it. matplotlib escapes all text in figures.
    """
    buffer = io.StringIO()
    settings: Any = {**STYLE, "svg.fonttype": "none", "svg.hashsalt": name, "savefig.dpi": 150}
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(settings):
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    svg = buffer.getvalue()
    named = f' aria-label="{escape(printable(title or name), quote=True)}"'
    return _TAG.sub(_adapt, svg[svg.index("<svg") :]).replace("<svg", f"<svg{named}", 1)


def _adapt(tag: re.Match[str]) -> str:
    """A tag without namespaces, size and needless ids, its colours those of the page."""
    text = tag.group()
    if text.startswith("<svg"):
        view = re.search(r'viewBox="[^"]*"', text)
        return f'<svg role="img" {view.group() if view else ""}>'
    if text.startswith(("<g", "<image")):  # not referenced, and equal images would have equal ids
        text = re.sub(r' id="[^"]*"', "", text)
    return _COLOR.sub(lambda color: _THEME[color.group()], text).replace("xlink:href", "href")
