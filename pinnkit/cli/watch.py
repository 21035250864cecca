"""`pinnkit watch`: follow a fit that runs in another terminal."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .._base.errors import InputError
from .options import Plain


def watch(
    folder: Annotated[Path, Parameter(help="The run folder of the fit.")],
    /,
    *,
    every: Annotated[float, Parameter(help="Seconds between two updates.")] = 1.0,
    plain: Plain = False,
) -> None:
    """Follow a fit that runs in another terminal."""
    if not 0 < every < float("inf"):
        raise InputError(f"`every` is a finite number of seconds > 0, got {every}")
    from ..report.live import watch as follow
    from ..report.progress import ConsoleProgress

    print(follow(folder, ConsoleProgress(plain=plain), every))
