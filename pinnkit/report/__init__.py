"""The report of a run: on the console, as JSON, and as a page with pictures."""

from typing import TYPE_CHECKING

from .._base.lazy import lazy

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
    from .maps import plot_error_in_time as plot_error_in_time
    from .maps import plot_histogram as plot_histogram
    from .maps import plot_modes as plot_modes
    from .maps import plot_points as plot_points
    from .maps import plot_residual as plot_residual
    from .pictures import plot_slices as plot_slices
    from .pictures import plot_solution as plot_solution
    from .progress import ConsoleProgress as ConsoleProgress
    from .report import Report as Report
    from .report import write_page as write_page

__getattr__, __dir__ = lazy(
    __name__,
    {
        "progress": "ConsoleProgress",
        "comparison": "Comparison",
        "figures": (
            "plot_blocks plot_decays plot_drift plot_errors plot_learning_rate plot_losses plot_predictions "
            "plot_spectrum plot_weights"
        ),
        "findings.finding": "Finding",
        "findings.rules": "interpret",
        "live": "LiveFile",
        "maps": "plot_error_in_time plot_histogram plot_modes plot_points plot_residual",
        "pictures": "plot_slices plot_solution",
        "report": "Report write_page",
    },
)
