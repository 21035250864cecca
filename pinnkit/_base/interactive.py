"""Whether a person is at the keyboard."""

import sys
from typing import Any


def in_notebook() -> bool:
    """Whether the code runs in a notebook, whose outputs are pages."""
    return getattr(_shell(), "kernel", None) is not None


def is_interactive() -> bool:
    """Whether results of single lines are shown to a person: in a notebook, IPython or the prompt of Python."""
    return _shell() is not None or hasattr(sys, "ps1")


def _shell() -> Any:
    """The shell of IPython that runs; None without one."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
