"""What a run says, for people: on the console, as JSON, and as a page with pictures.

What draws is imported when it is asked for, because matplotlib is slow to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .progress import ConsoleProgress as ConsoleProgress

if TYPE_CHECKING:
    from .figures import plot_blocks as plot_blocks
    from .figures import plot_errors as plot_errors
    from .figures import plot_learning_rate as plot_learning_rate
    from .figures import plot_losses as plot_losses
    from .figures import plot_solution as plot_solution
    from .figures import plot_spectrum as plot_spectrum
    from .figures import plot_weights as plot_weights
    from .interpretation import Finding as Finding
    from .interpretation import interpret as interpret
    from .report import Report as Report
    from .report import write_page as write_page

_ROOMS = {"Finding": "interpretation", "interpret": "interpretation", "Report": "report", "write_page": "report"}


def __getattr__(name: str) -> Any:
    room = "figures" if name.startswith("plot_") else _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f".{room}", __name__), name)
