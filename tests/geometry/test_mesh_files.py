"""Meshes of files, and set operations on closed surfaces."""

import sys

import jax.numpy as jnp
import meshio
import numpy as np
import pytest

import pinnkit
from pinnkit import Condition, Mesh, MissingPackageError, PointSet, Problem, ProblemError, grad, laplacian

from .meshes import block, cube, rectangle, ring, together
from .test_meshes import points_of

PHYSICAL = {"cells": 1, "inner": 2, "outer": 3}


def write_ring(path, file_format="gmsh22", around=48, across=4, names=True):
    """A ring with its cells and the two circles as physical groups, as gmsh writes it."""
    points, triangles, edges = ring(around, across)
    tags = [np.full(len(triangles), 1), *(np.full(len(own), PHYSICAL[name]) for name, own in edges.items())]
    mesh = meshio.Mesh(
        np.pad(np.append(points, [[0.0, 0.0]], axis=0), ((0, 0), (0, 1))),  # and the center of the arcs
        [("triangle", triangles), *(("line", own) for own in edges.values())],
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
        field_data={name: np.array([tag, 2 if name == "cells" else 1]) for name, tag in PHYSICAL.items() if names},
    )
    meshio.write(path, mesh, file_format=file_format, binary=False)
    return path


def test_physical_groups_of_gmsh_are_the_parts(tmp_path):
    mesh, own = Mesh.read(write_ring(tmp_path / "ring.msh")), Mesh(*ring(48, 4))
    assert repr(mesh) == "Mesh.read('ring.msh')" and mesh.coordinates == ("x", "y")
    assert mesh.parts == pytest.approx(own.parts, rel=1e-12)
    np.testing.assert_allclose(mesh.measure, own.measure, rtol=1e-12)
    unnamed = Mesh.read(write_ring(tmp_path / "ring.msh", names=False))
    assert unnamed.parts == pytest.approx({"2": own.parts["inner"], "3": own.parts["outer"]}, rel=1e-12)


GMSH_4 = """$MeshFormat
4.1 0 8
$EndMeshFormat
$PhysicalNames
2
1 7 "wall"
2 8 "plate"
$EndPhysicalNames
$Entities
0 2 1 0
1 0 0 0 1 0 0 1 7 0
2 0 0 0 0 1 0 0 0
1 0 0 0 1 1 0 1 8 1 1
$EndEntities
$Nodes
1 5 1 5
2 1 0 5
1
2
3
4
5
0 0 0
1 0 0
1 1 0
0 1 0
9 9 0
$EndNodes
$Elements
2 3 1 3
1 1 1 1
1 1 2
2 1 2 2
2 1 2 3
3 1 3 4
$EndElements
"""


def test_files_of_the_present_version_of_gmsh(tmp_path):
    """A square of two triangles; one of its edges is in a physical group, and so are all cells, by default."""
    path = tmp_path / "square.msh"
    path.write_text(GMSH_4)
    for mesh in (Mesh.read(path), Mesh.read(path, group="plate")):
        assert mesh.measure == pytest.approx(1.0) and mesh.parts == pytest.approx({"wall": 1.0, "boundary": 3.0})
    path.write_text(GMSH_4.replace("2 3 1 3\n", "3 4 1 4\n1 2 1 1\n4 1 4\n"))
    with pytest.raises(
        ValueError, match="some of its cells are in no physical group; write it with `Mesh.SaveAll = 0`"
    ):
        Mesh.read(path)


def two_materials(path):
    """Two rectangles side by side, their common edge and the left one as groups."""
    points, triangles, edges = rectangle(4, 2, 2.0)
    is_left = points[triangles].mean(axis=1)[:, 0] < 1
    cut = np.flatnonzero(points[:, 0] == 1.0)
    blocks = [("triangle", triangles[is_left]), ("triangle", triangles[~is_left])]
    blocks += [("line", np.stack([cut[:-1], cut[1:]], axis=1)), ("line", edges["left"])]
    tags = [np.full(len(rows), tag) for tag, (_, rows) in enumerate(blocks, 1)]
    named = {"steel": [1, 2], "wood": [2, 2], "contact": [3, 1], "heated": [4, 1]}
    field_data = {name: np.array(tag) for name, tag in named.items()}
    data = {"gmsh:physical": tags, "gmsh:geometrical": tags}
    mesh = meshio.Mesh(np.pad(points, ((0, 0), (0, 1))), blocks, cell_data=data, field_data=field_data)
    meshio.write(path, mesh, file_format="gmsh22", binary=False)
    return path


def test_a_group_of_cells_is_a_domain_of_its_own(tmp_path):
    """Edges inside are no boundary; between groups they bound both."""
    path = two_materials(tmp_path / "plate.msh")
    assert Mesh.read(path).parts == pytest.approx({"heated": 1.0, "boundary": 5.0})
    assert Mesh.read(path, group="steel").parts == pytest.approx({"heated": 1.0, "contact": 1.0, "boundary": 2.0})
    wood = Mesh.read(path, group="wood")
    assert wood.parts == pytest.approx({"contact": 1.0, "boundary": 3.0}) and wood.measure == pytest.approx(1.0)
    np.testing.assert_allclose(points_of(wood.boundary("contact"), 5)[1], np.tile([-1.0, 0.0], (5, 1)), atol=1e-15)
    with pytest.raises(ValueError, match=r"no group 'glass' of cells; its groups are \['steel', 'wood'\]"):
        Mesh.read(path, group="glass")


def test_tetrahedra_of_vtu_and_named_sets(tmp_path):
    points, tetrahedra, faces = cube(2)
    mesh = meshio.Mesh(points, [("tetra", tetrahedra), ("triangle", faces["lid"]), ("vertex", [[0]])])
    meshio.write(tmp_path / "cube.vtu", mesh)
    found = Mesh.read(tmp_path / "cube.vtu")
    assert found.coordinates == ("x", "y", "z") and found.parts == pytest.approx({"boundary": 6.0})
    assert found.measure == pytest.approx(1.0, rel=1e-14)
    mesh.cell_sets = {"lid": [[], np.arange(len(faces["lid"])), []]}
    meshio.write(
        tmp_path / "cube.inp", meshio.Mesh(points, mesh.cells[:2], cell_sets={"lid": mesh.cell_sets["lid"][:2]})
    )
    assert Mesh.read(tmp_path / "cube.inp").parts == pytest.approx({"lid": 1.0, "boundary": 5.0})


def test_meshes_in_other_planes_keep_their_coordinates(tmp_path):
    points, triangles, _ = rectangle(2, 2)
    meshio.write(tmp_path / "m.vtu", meshio.Mesh(np.insert(points, 1, 3.0, axis=1), [("triangle", triangles)]))
    assert Mesh.read(tmp_path / "m.vtu").coordinates == ("x", "z")
    assert Mesh.read(tmp_path / "m.vtu", coordinates=("r", "z")).coordinates == ("r", "z")


def test_solids_of_stl_are_parts(tmp_path):
    points, faces = block()
    is_lid = (points[faces][:, :, 2] == 1).all(axis=1)
    corner = "facet normal 0 0 0\nouter loop\n{}\nendloop\nendfacet\n"
    vertices = lambda rows: "\n".join("vertex {} {} {}".format(*row) for row in rows)
    text = lambda name, own: f"solid {name}\n{''.join(corner.format(vertices(rows)) for rows in points[own])}endsolid\n"
    flat = [[0, 0, 0], [0, 0, 0], [1, 0, 0]]  # as programs write them now and then
    file = text("the lid", faces[is_lid]) + text("", faces[~is_lid]) + f"solid\n{corner.format(vertices(flat))}endsolid"
    (tmp_path / "part.STL").write_text(file)
    assert Mesh.read(tmp_path / "part.STL").parts == pytest.approx({"the lid": 1.0, "boundary": 5.0})
    with pytest.raises(ValueError, match="not closed: 4 of its edges"):
        Mesh.read(tmp_path / "part.STL", group="the lid")


@pytest.mark.parametrize("binary", [False, True])
def test_closed_surfaces_of_stl_are_domains(binary, tmp_path):
    points, faces = block((0.0, 0.0, 0.0), (1.0, 2.0, 0.5))
    meshio.write(tmp_path / "part.stl", meshio.Mesh(points, [("triangle", faces)]), binary=binary)
    part = Mesh.read(tmp_path / "part.stl").scale(1e-3)
    assert part.measure == pytest.approx(1e-9) and part.parts == pytest.approx({"boundary": 7e-6})
    assert repr(part) == "Mesh.read('part.stl').scale(0.001)"
    x = points_of(part.interior, 512)[0]
    assert part.contains(x).all() and ((x > 0) & (x < [1e-3, 2e-3, 5e-4])).all()
    meshio.write(tmp_path / "open.stl", meshio.Mesh(points, [("triangle", faces[:-1])]), binary=binary)
    with pytest.raises(ValueError, match="surface is not closed: 3 of its edges"):
        Mesh.read(tmp_path / "open.stl")


def quadrilaterals(path):
    meshio.write(path, meshio.Mesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [("quad", [[0, 1, 2, 3]])]))


def curved(path):
    points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.5, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0]]
    meshio.write(path, meshio.Mesh(points, [("triangle6", [[0, 1, 2, 3, 4, 5]])]))


UNREADABLE = {
    "no file": ("m.msh", lambda path: None, "there is no mesh file"),
    "no mesh": ("m.msh", lambda path: path.write_text("hello"), "cannot be read: .*"),
    "half a mesh": ("m.vtu", lambda path: path.write_bytes(b"<VTKFile>\n<Unstr"), "cannot be read: it is no .vtu file"),
    "no surface": ("m.stl", lambda path: path.write_text("solid\nendsolid"), "cannot be read: it is no .stl file"),
    "half a surface": ("m.stl", lambda path: path.write_text("solid\nfacet\nvertex 1 2"), "it is no .stl file"),
    "other format": ("m.xyz", lambda path: path.write_text(""), "cannot be read: Could not deduce file format"),
    "quadrilaterals": ("m.vtu", quadrilaterals, r"kind\(s\) quad; split them into triangles"),
    "curved": ("m.vtu", curved, r"kind\(s\) triangle6; set their order to 1"),
    "lines": (
        "m.vtu",
        lambda path: meshio.write(path, meshio.Mesh([[0.0, 0, 0], [1, 0, 0]], [("line", [[0, 1]])])),
        "neither triangles nor tetrahedra",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_are_no_mesh_are_refused_in_one_line(name, tmp_path, capfd):
    file, write, message = UNREADABLE[name]
    write(tmp_path / file)
    with pytest.raises(ValueError, match=message) as raised:
        Mesh.read(tmp_path / file)
    assert "\n" not in str(raised.value) and capfd.readouterr() == ("", "")


def test_a_missing_package_is_named_with_its_extra(monkeypatch, tmp_path):
    for package, call in (
        ("meshio", lambda: Mesh.read(__file__)),
        ("manifold3d", lambda: Mesh(*block()) - Mesh(*block())),
        ("shapely", lambda: pinnkit.from_shapely(None)),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingPackageError, match=rf"this needs {package}: .*`pinnkit\[geometry\]`"):
            call()


# Set operations.


def bolt():
    return Mesh(*block((0.4, 0.4, -1.0), (0.6, 0.6, 2.0))).named("bolt")


def test_parts_keep_their_names_through_set_operations():
    plate = Mesh(*cube(2))
    drilled = plate - bolt()
    assert drilled.measure == pytest.approx(1 - 0.04, rel=1e-12)
    lid = 1 - 0.04
    assert drilled.parts == pytest.approx({"floor": lid, "lid": lid, "boundary": 4.0, "bolt": 0.8}, rel=1e-9)
    assert repr(drilled) == f"{plate!r} - Mesh(12 faces)"
    x, normals = points_of(drilled.boundary("bolt"), 64)
    assert (((x[:, :2] - 0.5) * normals[:, :2]).sum(axis=1) < 0).all()
    assert (plate & bolt()).parts == pytest.approx({"floor": 0.04, "lid": 0.04, "bolt": 0.8}, rel=1e-9)
    both = (plate | bolt()).translate(x=1.0)
    assert both.measure == pytest.approx(1 + 2 * 0.04, rel=1e-12) and both.lower[0] == 1.0
    assert (drilled - bolt()).measure == pytest.approx(1 - 0.04, rel=1e-9)


def test_measures_of_set_operations_add_up():
    """|A ∪ B| + |A ∩ B| = |A| + |B|, and the same for |A − B|, for turned blocks."""
    a = Mesh(*block())
    b = a.rotate(0.7, "z", x=0.2, y=0.1).rotate(0.4, "x").translate(x=0.3)
    common = (a & b).measure
    assert common > 0.1
    np.testing.assert_allclose((a | b).measure + common, 2.0, rtol=1e-10)
    np.testing.assert_allclose((a - b).measure + common, 1.0, rtol=1e-10)


def test_invalid_set_operations_are_refused():
    a, touching = Mesh(*block()), together(block(), block((1.0, 1.0, 0.0), (2.0, 2.0, 1.0)))
    points, number = np.unique(touching[0], axis=0, return_inverse=True)
    with pytest.raises(ValueError, match="is empty: its set operations leave nothing"):
        a & bolt().translate(x=3.0)
    with pytest.raises(ValueError, match="same coordinates"):
        a - Mesh(*block(), coordinates=("r", "s", "t"))
    edge = Mesh(points, number.reshape(-1)[touching[1]])  # closed, with an edge of four faces
    assert edge.measure == pytest.approx(2.0)
    assert (edge - bolt()).measure == pytest.approx(2 - 0.04, rel=1e-9)


# A problem on a mesh.


def test_measurements_outside_of_a_mesh_are_refused():
    domain = Mesh(*ring(24, 2))
    for x, message in ((0.7, None), (0.2, r"1 point\(s\) outside the domain")):  # in the ring, in its hole
        conditions = {"data": Condition(lambda u: u, on=PointSet({"x": [x], "y": [0.0]}))}
        if message is None:
            Problem("ring", domain, conditions)
            continue
        with pytest.raises(ProblemError, match=message):
            Problem("ring", domain, conditions)


@pytest.mark.slow
def test_a_harmonic_function_on_a_drilled_block():
    part = Mesh(*block()) - Mesh(*block((0.3, 0.3, 0.3), (0.6, 0.6, 1.2))).named("slot")
    exact = lambda xp: lambda x, y, z: x * y * z + xp.exp(x) * xp.sin(y)
    problem = Problem(
        name="block",
        domain=part,
        conditions={
            "pde": Condition(lambda u: laplacian(u), on=part.interior),
            "faces": Condition(lambda u, x, y, z: u - exact(jnp)(x, y, z), on=part.boundary()),
        },
        reference=exact(np),
    )
    assert pinnkit.fit(problem).summary.relative_l2["u"] < 1e-6


@pytest.mark.slow
def test_a_problem_on_a_mesh_of_gmsh_takes_few_lines(tmp_path):
    """Δu = 4 with u = r² on the inner polygon and its flux on the outer one; and the solution on the mesh again."""
    path = write_ring(tmp_path / "ring.msh")
    ring = Mesh.read(path)
    problem = Problem(
        name="ring",
        domain=ring,
        conditions={
            "pde": Condition(lambda u: laplacian(u) - 4.0, on=ring.interior),
            "inside": Condition(lambda u, x, y: u - x**2 - y**2, on=ring.boundary("inner")),
            "flux": Condition(
                lambda u, x, y, normal: grad(u) @ normal - 2 * (x * normal[0] + y * normal[1]),
                on=ring.boundary("outer"),
            ),
        },
        reference=lambda x, y: x**2 + y**2,
    )
    solution = pinnkit.fit(problem, strategy="gauss-newton", steps=20, points=100, width=12, depth=1)
    assert solution.summary.relative_l2["u"] < 1e-2
    written = meshio.read(solution.to_vtk(tmp_path / "ring"))
    assert [block.type for block in written.cells] == ["triangle"] and len(written.cells[0].data) == len(ring.cells)
    np.testing.assert_allclose(written.point_data["u_reference"], (written.points**2).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(written.point_data["u"], solution.on(written.points[:, :2]), rtol=1e-12)
    assert len(meshio.read(solution.to_vtk(tmp_path / "grid", grid=5)).points) == 25
