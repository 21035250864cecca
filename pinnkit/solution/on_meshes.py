"""Fields on the mesh of a domain."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..equations.problem import Problem
from ..geometry.domain import TIME_NAMES
from ..runs.export.vtk import SIMPLICES, write_mesh
from .grids import GRID


def write_on_mesh(path: Path, problem: Problem, fields: Callable[[np.ndarray], dict[str, np.ndarray]]) -> Path | None:
    """Write fields and their reference at the points of the triangulation of the domain, at several times if there is
    time; None if there is no triangulation, or the domain has parameters.
    """
    domain, mesh = problem.domain, problem.domain.triangulation
    if mesh is None or domain.parameters or mesh.points.shape[1] != len(domain.space):
        return None
    time = next((axis for axis, name in enumerate(domain.coordinates) if name in TIME_NAMES), None)
    if time is None:
        times, points = None, mesh.points
    else:
        times = np.linspace(domain.lower[time], domain.upper[time], GRID)
        points = np.insert(np.tile(mesh.points, (GRID, 1)), time, np.repeat(times, len(mesh.points)), axis=1)
    reference = problem.evaluate_reference(points) or {}
    found = {**fields(points), **{f"{name}_reference": values for name, values in reference.items()}}
    shape = (-1, len(mesh.points)) if times is not None else (len(mesh.points),)
    placed = {name: values.reshape(*shape, *values.shape[1:]) for name, values in found.items()}
    return write_mesh(path, mesh.points, mesh.cells, SIMPLICES[mesh.cells.shape[1]], placed, times)
