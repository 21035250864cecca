"""`pinnkit check`: a problem examined before anything is fitted."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .compilation_cache import CompilationCache
from .errors import FAILED, OK
from .options import Coefficients, ProblemName, find, flag

PictureFile = Annotated[
    Path | None,
    Parameter(("--output", "-o"), help="File of the picture; the name of the problem and `-check.png` by default."),
]


def check(
    problem: ProblemName,
    /,
    *,
    json: Annotated[bool, flag("Print everything as JSON instead; the picture is written only with `-o`.")] = False,
    output: PictureFile = None,
    coefficients: Coefficients = None,
) -> int:
    """Examine a problem: its parts and points, its reference, and what looks wrong."""
    declared = find(problem, coefficients)
    CompilationCache().enable()
    from ..checking.check import check as examine

    found = examine(declared)
    path = Path(f"{declared.name}-check.png") if output is None and not json else output
    if path is not None:
        found.picture.save(path)
    if json:
        print(found.json())
    else:
        found()
        print(f"\nthe picture: {path}")
    return OK if found.is_sound else FAILED
