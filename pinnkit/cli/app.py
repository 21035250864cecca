"""The command line: its commands, and what is common to all of them.

Commands import JAX, and whatever else is slow to import, only once they need it.
"""

import atexit
import io
import shlex
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, Parameter

from .check import check
from .doctor import doctor, installed_version
from .errors import BROKEN_PIPE, FAILED, INTERRUPTED, OK, explain, fail, show_warning, silence
from .inspect import compare, ntk, problems, report
from .launch import launch
from .new import new
from .options import flag, joined_settings
from .solve import solve
from .watch import watch

app = App(
    name="pinnkit",
    help="Solve differential equations with neural networks, with the neural tangent kernel in the training loop.",
    version=installed_version,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
)

for _command in (solve, launch, report, compare, watch, problems, new, check, ntk, doctor):
    app.command(_command)

app.register_install_completion_command()


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process. **Returns:** the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without λ is no reason to fail
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        status = app.meta(list(sys.argv[1:] if tokens is None else tokens))
    return OK if status is None else status


@app.meta.default
def run(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    debug: Annotated[bool, flag("Show the traceback of an error.")] = False,
) -> int | None:
    """Run one command."""
    try:
        command, bound, extra = app.parse_args(joined_settings(tokens))
        line = {"line": shlex.join(["pinnkit", *tokens])} if "line" in extra else {}
        status = command(*bound.args, **bound.kwargs, **line)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has closed the pipe
        silence(sys.stdout)
        return BROKEN_PIPE
    except KeyboardInterrupt as error:
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # impatience while the interpreter exits
        return fail(str(error) or "interrupted", INTERRUPTED)
    except SystemExit as error:  # from a signal
        return fail(str(error), error.code if isinstance(error.code, int) else FAILED)
    except Exception as error:
        if debug:
            raise
        return explain(error)
