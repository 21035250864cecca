"""Fields on grids for other tools."""

import sys
import xml.etree.ElementTree as ET

import meshio
import numpy as np
import pytest

from pinnkit import Box, Condition, Disk, Mesh, Problem
from pinnkit.runs.export.vtk import write_vtk
from pinnkit.solution.grids import axes_of
from pinnkit.solution.on_meshes import write_on_mesh

from ..geometry.meshes import block, cube, rectangle
from ..problems_for_tests import poisson


@pytest.fixture(scope="module")
def solution():
    from pinnkit import fit

    return fit(poisson(), strategy="gauss-newton", steps=3, width=6, depth=1, points=20)


@pytest.mark.slow
def test_xarray_has_fields_and_reference_on_the_grid(solution):
    data = solution.to_xarray(grid=11)
    assert dict(data.sizes) == {"x": 11} and data.attrs == {"problem": "poisson"}
    np.testing.assert_array_equal(data.u, solution(x=np.linspace(0, 1, 11)))
    np.testing.assert_allclose(data.u_reference, np.sin(np.pi * data.x), atol=1e-15)
    chosen = solution.to_xarray({"x": [0.25, 0.5]})
    np.testing.assert_array_equal(chosen.u.sel(x=0.5), solution(x=0.5))


@pytest.mark.parametrize(
    "grid", [1, 0, -3, 2.5, True, {"y": 3}, {"x": [0.5, 0.5]}, {"x": [np.nan]}, {"x": []}, {"x": [[0.0, 1.0]]}]
)
def test_a_grid_that_cannot_be_meant_is_refused(solution, grid):
    with pytest.raises(ValueError, match="`grid`"):
        axes_of(solution.problem.domain, grid)


def test_a_solution_is_written_for_paraview(solution, tmp_path):
    path = solution.to_vtk(tmp_path / "out" / "line", grid=5)
    mesh = meshio.read(path)
    assert path.name == "line.vtu" and mesh.cells[0].type == "line" and len(mesh.cells[0].data) == 4
    np.testing.assert_allclose(mesh.point_data["u"], solution(x=np.linspace(0, 1, 5)), rtol=1e-14)


@pytest.mark.parametrize("names", [("x", "y"), ("x", "y", "z")])
def test_cells_have_the_volume_of_the_box(names, tmp_path):
    """The corners of every cell stand in the order of VTK: its Jacobian is that of the grid, and positive."""
    axes = {name: np.linspace(0, i + 1, 3 + i) for i, name in enumerate(names)}
    shape = tuple(len(axis) for axis in axes.values())
    mesh = meshio.read(write_vtk(tmp_path / "box.vtu", axes, {"v": np.ones((*shape, 2)), "u": np.zeros(shape)}))
    corners = mesh.points[mesh.cells[0].data]
    along = [corners[:, j] - corners[:, 0] for j in ((1, 3) if len(names) == 2 else (1, 3, 4))]
    along += [np.broadcast_to([0.0, 0.0, 1.0], along[0].shape)] if len(names) == 2 else []
    volumes = np.linalg.det(np.stack(along, axis=1))
    assert volumes.min() > 0
    np.testing.assert_allclose(volumes.sum(), np.prod([axis[-1] for axis in axes.values()]))
    assert mesh.point_data["v"].shape == (len(mesh.points), 3)


def test_times_are_a_series(tmp_path):
    axes = {"x": np.linspace(0, 1, 3), "t": np.array([0.0, 0.5, 2.0])}
    values = axes["x"][:, None] + 10 * axes["t"]
    path = write_vtk(tmp_path / "wave.vtu", axes, {"u": values})
    assert path.name == "wave.pvd"
    entries = ET.parse(path).getroot().findall("Collection/DataSet")  # noqa: S314  written above
    assert [float(entry.get("timestep")) for entry in entries] == [0.0, 0.5, 2.0]
    for i, entry in enumerate(entries):
        np.testing.assert_allclose(meshio.read(tmp_path / entry.get("file")).point_data["u"], values[:, i])


def on_mesh(path, domain, reference=None):
    """The file of a field that is the sum of the coordinates, and of a vector."""
    problem = Problem("sum", domain, {"pde": Condition(lambda u: u, on=domain.interior)}, reference=reference)
    fields = lambda x: {"u": x.sum(axis=1), "v": np.stack([x[:, 0], 2 * x[:, -1]], axis=-1)}
    return write_on_mesh(path, problem, fields)


@pytest.mark.parametrize("shape", ["rectangle", "cube", "disk"])
def test_fields_are_written_on_the_mesh_of_the_domain(shape, tmp_path):
    domain = {"rectangle": Mesh(*rectangle(3, 2)), "cube": Mesh(*cube(2)), "disk": Disk(1.0)}[shape]
    mesh = meshio.read(on_mesh(tmp_path / "out" / "m", domain, reference=lambda x, y: x * y))
    assert [block.type for block in mesh.cells] == ["tetra" if shape == "cube" else "triangle"]
    corners = mesh.points[mesh.cells[0].data][..., : domain.dimension]
    measures = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / (6 if shape == "cube" else 2)
    np.testing.assert_allclose(measures.sum(), domain.measure, rtol=1e-3 if shape == "disk" else 1e-12)
    np.testing.assert_allclose(mesh.point_data["u"], mesh.points.sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(mesh.point_data["u_reference"], mesh.points[:, 0] * mesh.points[:, 1], rtol=1e-14)
    assert mesh.point_data["v"].shape == (len(mesh.points), 3)


def test_fields_on_a_mesh_over_time_are_a_series(tmp_path):
    path = on_mesh(tmp_path / "wave", Mesh(*rectangle(3, 2)).over(t=(1.0, 2.0)))
    entries = ET.parse(path).getroot().findall("Collection/DataSet")  # noqa: S314  written above
    times = [float(entry.get("timestep")) for entry in entries]
    np.testing.assert_allclose(times, np.linspace(1.0, 2.0, 51))
    for i in (0, 50):
        mesh = meshio.read(tmp_path / entries[i].get("file"))
        np.testing.assert_allclose(mesh.point_data["u"], mesh.points.sum(axis=1) + times[i], rtol=1e-14)
        np.testing.assert_allclose(mesh.point_data["v"][:, 1], 2 * times[i], rtol=1e-14)


def test_domains_without_a_mesh_or_with_parameters_are_written_on_a_grid(tmp_path):
    assert on_mesh(tmp_path / "box", Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))) is None
    assert on_mesh(tmp_path / "surface", Mesh(*block())) is None
    assert on_mesh(tmp_path / "k", Disk(1.0).over(parameters={"k": (0.0, 1.0)})) is None
    assert not list(tmp_path.iterdir())


def test_what_vtk_cannot_hold_is_refused(tmp_path, monkeypatch):
    line = np.linspace(0, 1, 2)
    with pytest.raises(ValueError, match="one to three coordinates besides time"):
        write_vtk(tmp_path / "a", dict.fromkeys("xyzw", line), {})
    with pytest.raises(ValueError, match="two points or more"):
        write_vtk(tmp_path / "a", {"x": line[:1]}, {})
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(ImportError, match=r"pinnkit\[data\]"):
        write_vtk(tmp_path / "a", {"x": line}, {})
