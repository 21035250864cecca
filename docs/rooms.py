"""The picture of the rooms of pinnkit on the architecture page, drawn from the imports in the code."""

import ast
import io
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.style import context

PACKAGE = Path(__file__).parents[1] / "pinnkit"
INK, BOX = "#5c6bc0", "#5c6bc022"  # readable on light and dark pages


def imported_rooms() -> dict[str, set[str]]:
    """For each room, the other rooms that its files import."""
    rooms = {_room(path): set[str]() for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"}
    for path in PACKAGE.rglob("*.py"):
        depth = len(path.relative_to(PACKAGE).parts) - 1  # folders below the package
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == depth + 1 and path != PACKAGE / "__init__.py":
                names = [node.module] if node.module else [alias.name for alias in node.names]
                rooms[_room(path)] |= {name.partition(".")[0] for name in names} & set(rooms) - {_room(path)}
    used = set[str]().union(*rooms.values())
    return {room: others for room, others in rooms.items() if others or room in used}


def direct(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without the imports that follow from others, so that the picture has few arrows."""

    def reached(room: str) -> set[str]:
        return imports[room].union(*(reached(other) for other in imports[room]))

    return {
        room: {other for other in others if not any(other in reached(between) for between in others)}
        for room, others in imports.items()
    }


def levels(imports: dict[str, set[str]]) -> list[list[str]]:
    """Rooms by the longest chain of imports below them; rooms of one level do not import each other."""

    def level(room: str) -> int:
        return 1 + max((level(other) for other in imports[room]), default=-1)

    rows: list[list[str]] = [[] for _ in range(1 + max(level(room) for room in imports))]
    for room in sorted(imports):
        rows[level(room)].append(room)
    return rows


def picture() -> str:
    """An SVG: one box a room, and an arrow from each room to the rooms that it imports directly."""
    imports = imported_rooms()
    place = {
        room: (column - (len(row) - 1) / 2, height)
        for height, row in enumerate(levels(imports))
        for column, room in enumerate(row)
    }
    height = 1 + max(y for _, y in place.values())
    figure = Figure(figsize=(8, 0.62 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-2.2, 2.2), ylim=(-0.5, height - 0.5))
    axes.axis("off")
    for room, others in direct(imports).items():
        for other in others:
            (x, y), (to_x, to_y) = place[room], place[other]
            bend = 0.0 if y - to_y == 1 else 0.1 * (y - to_y) * (-1 if x >= 0 else 1)  # outside the levels between
            style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "mutation_scale": 9}
            axes.add_patch(FancyArrowPatch((x, y - 0.22), (to_x, to_y + 0.24), color=INK, linewidth=0.8, **style))
    for room, (x, y) in place.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": BOX, "edgecolor": INK, "linewidth": 0.8}
        axes.text(x, y, room, ha="center", va="center", color=INK, fontsize=10, bbox=box)
    svg = io.StringIO()
    with context({"svg.fonttype": "none", "svg.hashsalt": "pinnkit"}):
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return svg.getvalue()


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]
