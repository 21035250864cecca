"""`pinnkit new`: a file to start from, a copy of a problem under another name."""

import importlib.util
import keyword
import re
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .._base.errors import InputError
from ..equations.entries import entries
from ..equations.registry import check_problem


def new(
    name: Annotated[str, Parameter(help="Name of the problem; the file is called NAME.py.")],
    /,
    *,
    like: Annotated[str, Parameter(help="The problem to copy, by name (see `pinnkit problems`).")] = "poisson_1d",
) -> None:
    """Write a starting file: a copy of a problem, in the working directory."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(f"a new problem is called by a name of Python, such as `my_problem`; got '{name}'")
    check_problem(like)
    if like not in entries():
        raise InputError(f"`--like` takes a name listed by `pinnkit problems`, got '{like}'")
    path = Path(f"{name}.py")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_renamed(_source(like), like, name))
    except FileExistsError:
        raise InputError(f"'{path}' exists; choose another name or remove it") from None
    except OSError as error:
        raise InputError(f"'{path}' cannot be written: {error.strerror}") from None
    print(f"written to {path}; change it, then `pinnkit solve {path}`")


def _source(problem: str) -> str:
    spec = importlib.util.find_spec(entries()[problem].module)
    if spec is None or spec.origin is None:
        raise InputError(f"the module of problem '{problem}' is not found")
    return Path(spec.origin).read_text(encoding="utf-8")


def _renamed(source: str, old: str, new: str) -> str:
    """The source with the variable and the name of the problem changed, and not the modules it imports from."""
    return re.sub(
        rf"(?m)^{old}(?= = Problem\()|(?<=name=\"){old}(?=\")",
        new,
        source,
    )
