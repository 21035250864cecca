"""Sentences on a page."""

import re

from markupsafe import Markup, escape

from .._base.numbers import printable

_CODE = re.compile("`([^`]+)`")

_SUBSCRIPT = re.compile(r"(?<=\w)_(\w+)")


def prose(text: str) -> Markup:
    """A sentence with what is between backticks as code; everything in it is escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(printable(text)))))  # noqa: S704  escaped in this line


def formula(text: str) -> Markup:
    """A formula with subscripts, as in `u_xx`; everything in it is escaped."""
    return Markup(_SUBSCRIPT.sub(r"<sub>\1</sub>", str(escape(printable(text)))))  # noqa: S704  escaped in this line
