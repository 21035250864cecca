"""Whether runs solve the same problem, and their solutions side by side."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from ..drawing.images import DIVERGING, color_scale
from ..drawing.style import INK, label, legend, limits, looks, new_figure, styled
from ..runs.grid_fields import GridFields
from ..runs.run_folder import Run
from .pictures import around_zero, components, draw_field, is_grid

MOST_RUNS = 4
"""Most runs whose solutions over two coordinates are drawn."""


def differences(runs: Mapping[str, Run]) -> list[str]:
    """How the problems of runs differ, in phrases; empty for the same problem."""
    problems = list(dict.fromkeys(run.summary.problem for run in runs.values()))
    if len(problems) > 1:
        return [", ".join(problems)]
    declared = [run.summary.declared for run in runs.values()]
    found = []
    for what in ("fields", "domain", "reference"):
        values = list(dict.fromkeys(_words(getattr(d, what)) for d in declared))
        if len(values) > 1:
            found.append(f"{what}: {' or '.join(values)}")
    for what, noun in (("coefficients", "coefficient"), ("equations", "condition")):
        tables = [getattr(d, what) for d in declared]
        names = dict.fromkeys(name for table in tables for name in table)
        changed = [name for name in names if len({repr(table.get(name)) for table in tables}) > 1]
        for name in changed:
            values = dict.fromkeys(table.get(name, "none") for table in tables)
            listed = f" {' or '.join(values)}" if what == "coefficients" else ""
            found.append(f"{noun} {name}{listed}")
    return found


def can_draw(runs: Mapping[str, Run]) -> bool:
    """Whether the solutions are over the same one or two coordinates, on grids, with a component in common."""
    snapshots = [run.snapshot for run in runs.values()]
    same = len({snapshot.coordinates for snapshot in snapshots}) == 1
    return same and all(len(s.coordinates) <= 2 and is_grid(s) for s in snapshots) and bool(_common(snapshots))


@styled
def plot_solutions(runs: Mapping[str, Run]) -> Figure:
    """Each component of all runs: curves over one coordinate in a panel, images over two side by side on one scale, and
    below them the errors."""
    snapshots = {name: run.snapshot for name, run in runs.items()}
    if len(next(iter(snapshots.values())).coordinates) == 1:
        return _curves(snapshots)
    shown = dict(list(snapshots.items())[:MOST_RUNS])
    common = _common(list(shown.values()))
    with_error = {name for name, _, reference in _all(shown) if reference is not None}
    rows = [(name, is_error) for name in common for is_error in (False, True) if not is_error or name in with_error]
    figure = new_figure(9.2 if len(shown) > 2 else 4.6 * len(shown), 2.4 * len(rows))
    axes = figure.subplots(len(rows), len(shown), squeeze=False)
    for row, (component, is_error) in zip(axes, rows, strict=True):
        found = [_one(snapshot, component, is_error) for snapshot in shown.values()]
        known = [values for values in found if values is not None]
        every = np.concatenate(known)
        colors, scale = (DIVERGING, around_zero(every)) if is_error else color_scale(*limits(every))
        for ax, (run, snapshot), values in zip(row, shown.items(), found, strict=True):
            if values is None:
                ax.set_axis_off()
                continue
            title = f"{label(run)}: {component}{' − reference' if is_error else ''}"
            draw_field(figure, ax, snapshot, (0, 1), values.reshape(snapshot.shape), colors, scale, title)
    return figure


def _curves(snapshots: Mapping[str, GridFields]) -> Figure:
    common = _common(list(snapshots.values()))
    figure = new_figure(4.6 * min(len(common), 2), 3.1 * -(-len(common) // 2))
    axes = figure.subplots(-(-len(common) // 2), min(len(common), 2), squeeze=False).ravel()
    for ax in axes[len(common) :]:
        ax.set_axis_off()
    handles, names = [], list[str]()
    for ax, component in zip(axes, common, strict=False):
        handles, names = [], []
        for (run, snapshot), (color, dash) in zip(snapshots.items(), looks(), strict=False):
            x = snapshot.points[:, 0]
            order = np.argsort(x)
            values = {name: (v, r) for name, v, r in components(snapshot)}[component]
            handles += ax.plot(x[order], values[0][order], dash, color=color, lw=1.4)
            names.append(label(run))
            if values[1] is not None and "reference" not in names and run == list(snapshots)[-1]:
                handles += ax.plot(x[order], values[1][order], ":", color=INK, lw=1.2)
                names.append("reference")
        ax.set(xlabel=label(next(iter(snapshots.values())).coordinates[0]), title=component)
        ax.grid(axis="y")
    legend(figure, handles, names)
    return figure


def _one(snapshot: GridFields, component: str, is_error: bool) -> np.ndarray | None:
    values, reference = {name: (v, r) for name, v, r in components(snapshot)}[component]
    if not is_error:
        return values
    return None if reference is None else values - reference


def _common(snapshots: list[GridFields]) -> list[str]:
    """The components that all runs have."""
    names = [[name for name, _, _ in components(snapshot)] for snapshot in snapshots]
    return [name for name in names[0] if all(name in others for others in names)]


def _all(snapshots: Mapping[str, GridFields]) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    for snapshot in snapshots.values():
        yield from components(snapshot)


def _words(value: str | tuple[str, ...] | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else ", ".join(value)
