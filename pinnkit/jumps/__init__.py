"""Jumps of what is differentiated in an equation."""

from .flaws import Flaw as Flaw
from .flaws import find_flaws as find_flaws
