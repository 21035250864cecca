"""Imports go down only."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pinnkit"

FLOORS = [
    {"errors", "origin"},
    {
        "_types",
        "_jaxpr",
        "_checks",
        "_precision",
        "_json",
        "clock",
        "files",
        "signals",
        "stop_reason",
        "mistakes",
        "traits",
    },
    {
        "_numbering",
        "compilation",
        "checkpoint",
        "affine",
        "dependence",
        "prediction",
        "freedom",
        "variables",
        "columns",
        "bandwidth",
        "least_squares",
        "model",
        "solvers",
        "taylor",
        "warp",
        "domains",
        "ledger",
        "parameters",
        "schedule",
    },
    {"fields", "networks", "ntk", "tensorboard", "vtk"},
    {"equation", "names"},
    {"jumps", "operators"},
    {"problem"},
    {"residuals", "face_values", "terms"},
    {"linearization", "faults", "output_layer", "smoothness", "periodicity"},
    {
        "measure",
        "samplers",
        "weighting",
        "learning_rate",
        "gauss_newton",
        "quasi_newton",
        "soap",
        "diagnostics",
        "state",
        "ansatz",
    },
    {"momentum"},
    {
        "records",
        "shortage",
        "summary",
        "strategies",
        "kernels",
        "feature_solver",
        "marching",
        "perturbation",
        "identity",
    },
    {"history", "verification", "intervals", "determinacy"},
    {"run", "callbacks", "window_start", "moment"},
    {"report", "saver"},
    {"journal"},
    {"trainer", "windows", "solution"},
    {"auto"},
    {"attempts", "arguments"},
    {"fit"},
    {"registry"},
    {"cli"},
]
ALONE = {"errors", "_types", "_jaxpr", "_checks", "_precision", "_numbering", "model"}
"""What the kernel may import."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def rooms():
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "__init__":
            yield room, path


def imported_rooms(path):
    """Rooms of the package that a file imports, wherever in it the import stands."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pinnkit" and not node.level:
            yield node.module.split(".")[1] if "." in node.module else "__init__"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "problems":
            raise AssertionError(f"{path} imports the problems")


def test_every_room_has_a_floor():
    assert {room for room, _ in rooms()} <= set(FLOOR)


def test_imports_go_down_only():
    upward = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for room, path in rooms()
        for other in imported_rooms(path)
        if other != room and not FLOOR[other] < FLOOR[room]
    ]
    assert upward == []


def test_the_kernel_stands_alone():
    for room, path in rooms():
        if room == "ntk":
            assert set(imported_rooms(path)) <= ALONE
