"""`pinnkit new`: a file to start from, a copy of a problem under another name, with the data that it reads."""

import ast
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
    """Write a starting file: a copy of a problem, in the working directory, with its data files."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(f"a new problem is called by a name of Python, such as `my_problem`; got '{name}'")
    check_problem(like)
    if like not in entries():
        raise InputError(f"`--like` takes a name listed by `pinnkit problems`, got '{like}'")
    source = _source_file(like)
    text = source.read_text(encoding="utf-8")
    path, data = Path(f"{name}.py"), _data_files(text, source.parent)
    contents = {path: _renamed(text, like, name).encode()} | {Path(file.name): file.read_bytes() for file in data}
    for taken in filter(Path.exists, contents):
        raise InputError(f"'{taken}' exists; choose another name or folder, or remove it")
    for file, content in contents.items():
        _write(file, content)
    beside = "".join(f", with {file.name} beside it" for file in data)
    print(f"written to {path}{beside}; change it, then `pinnkit solve {path}`")


def _source_file(problem: str) -> Path:
    spec = importlib.util.find_spec(entries()[problem].module)
    if spec is None or spec.origin is None:
        raise InputError(f"the module of problem '{problem}' is not found")
    return Path(spec.origin)


def _data_files(source: str, folder: Path) -> list[Path]:
    """Files of a folder that the source names in a string."""
    constants = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    return [file for file in sorted(folder.iterdir()) if file.name in constants]


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"'{path}' cannot be written: {error.strerror}") from None


def _renamed(source: str, old: str, new: str) -> str:
    """The source with the variable and the name of the problem changed, and not the modules it imports from."""
    return re.sub(
        rf"(?m)^{old}(?= = Problem\()|(?<=name=\"){old}(?=\")",
        new,
        source,
    )
