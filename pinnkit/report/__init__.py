"""What a run says, for people: on the console, as JSON, and as a page with pictures."""

from .figures import plot_blocks as plot_blocks
from .figures import plot_errors as plot_errors
from .figures import plot_learning_rate as plot_learning_rate
from .figures import plot_losses as plot_losses
from .figures import plot_solution as plot_solution
from .figures import plot_spectrum as plot_spectrum
from .figures import plot_weights as plot_weights
from .interpretation import Finding as Finding
from .interpretation import interpret as interpret
from .progress import ConsoleProgress as ConsoleProgress
from .report import Report as Report
from .report import write_page as write_page
