"""Reports of a run for people: on the console, as JSON, and as a page with pictures.

Modules that draw are imported on first use, because matplotlib is slow to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .progress import ConsoleProgress as ConsoleProgress

if TYPE_CHECKING:
    from .comparison import Comparison as Comparison
    from .figures import plot_blocks as plot_blocks
    from .figures import plot_decays as plot_decays
    from .figures import plot_drift as plot_drift
    from .figures import plot_errors as plot_errors
    from .figures import plot_learning_rate as plot_learning_rate
    from .figures import plot_losses as plot_losses
    from .figures import plot_predictions as plot_predictions
    from .figures import plot_spectrum as plot_spectrum
    from .figures import plot_weights as plot_weights
    from .findings.finding import Finding as Finding
    from .findings.rules import interpret as interpret
    from .live import LiveFile as LiveFile
    from .pictures import plot_slices as plot_slices
    from .pictures import plot_solution as plot_solution
    from .report import Report as Report
    from .report import write_page as write_page

_ROOMS = {
    "Comparison": "comparison",
    "Finding": "findings.finding",
    "interpret": "findings.rules",
    "LiveFile": "live",
    "Report": "report",
    "write_page": "report",
    **dict.fromkeys(("plot_slices", "plot_solution"), "pictures"),
    **dict.fromkeys(
        (
            "plot_blocks",
            "plot_decays",
            "plot_drift",
            "plot_errors",
            "plot_learning_rate",
            "plot_losses",
            "plot_predictions",
            "plot_spectrum",
            "plot_weights",
        ),
        "figures",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
