"""Imports go one way: between rooms in one order, and inside a room without a cycle. Files and functions are short."""

import ast
import graphlib
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pinnkit"

ORDER = (
    "_base geometry drawing networks ntk equations residuals samplers weighting learning_rates optimizers "
    "diagnostics runs training automatic report checking solution request conclusion fitting sweep problems cli"
).split()
MOST_FILES_ON_TOP = 12
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
LONG = {"tests/equations/test_fields.py: cases"}  # a table, of values that are computed in double precision


def module_name(path):
    relative = path.relative_to(PACKAGE).with_suffix("")
    return ".".join(relative.parts[:-1] if relative.name == "__init__" else relative.parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_modules(path):
    """Modules of the package that a file imports, wherever in it the import stands, however it is written."""
    package = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in ("pinnkit", "problems"):
                    yield _inside(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1]
            name = ".".join([*above, *(node.module or "").split(".")] if node.level else [node.module or ""]).strip(".")
            if not node.level:
                if name.split(".")[0] not in ("pinnkit", "problems"):
                    continue
                name = _inside(name)
            for alias in node.names:
                below = f"{name}.{alias.name}".strip(".")
                yield below if below in MODULES else name


def _inside(name):
    assert name.split(".")[0] == "pinnkit", f"the package imports {name}"
    return name.removeprefix("pinnkit").removeprefix(".")


IMPORTS = {name: set(imported_modules(path)) - {name} for name, path in MODULES.items() if name}


def room(name):
    return name.split(".")[0]


def test_every_room_has_its_place():
    assert {room(name) for name in IMPORTS} == set(ORDER)


def test_imports_go_one_way():
    place = {name: number for number, name in enumerate(ORDER)}
    against = [
        f"{name} imports {other or 'pinnkit'}"
        for name, others in IMPORTS.items()
        for other in others
        if not other or (room(other) != room(name) and place[room(other)] > place[room(name)])
    ]
    assert against == []


def test_no_room_has_a_cycle():
    """Facades, the `__init__` of rooms, only hand on what the files have, and no file goes through them."""
    facades = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    files = {name: others for name, others in IMPORTS.items() if name not in facades}
    assert not [name for name, others in files.items() for other in others & facades if room(other) == room(name)]
    graphlib.TopologicalSorter(files).prepare()  # raises CycleError


def test_the_top_of_the_package_is_short():
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_FILES_ON_TOP


def test_the_kernel_stands_alone():
    for name, others in IMPORTS.items():
        if room(name) == "ntk":
            assert {room(other) for other in others} <= {"_base", "networks", "ntk"}


def lines_of_functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_files_and_functions_are_short():
    root = PACKAGE.parent
    paths = [path for folder in ("pinnkit", "problems", "tests", "docs") for path in (root / folder).rglob("*.py")]
    sizes = {path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {path: size for path, size in sizes.items() if size > MOST_LINES_OF_A_FILE} == {}
    long = {
        f"{path.relative_to(root)}: {name}"
        for path in paths
        for name, size in lines_of_functions(path)
        if size > MOST_LINES_OF_A_FUNCTION
    }
    assert long == LONG
