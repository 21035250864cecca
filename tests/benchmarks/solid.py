"""A part from an .stl file against finite elements: −Δu = 1 in a block with a square window, u = 0 on its surface.

`python -m tests.benchmarks.solid [SECONDS] [CELLS]` prints the relative L2 difference at random points inside, and that
between two meshes of quadratic tetrahedra. These fill one eighth of the block, with CELLS cells to a quarter of its
side, denser at the edge of the window, where the solution is singular.
"""

import sys
import tempfile
from pathlib import Path

import meshio
import numpy as np
import skfem
from scipy.sparse.linalg import spsolve
from skfem.models.poisson import laplace, unit_load

from pinnkit import Condition, Mesh, Problem, dirichlet, fit, laplacian
from tests.geometry.meshes import block

SIDE, HEIGHT, START, END = 1.0, 0.5, 0.25, 0.75
"""The block and its window, from `START` to `END` along x and y."""

GRADING, POINTS = 1.7, 4000


def part(folder):
    """The block, written and read."""
    whole = Mesh(*block(high=(SIDE, SIDE, HEIGHT)))
    cut = whole - Mesh(*block((START, START, -1.0), (END, END, 1.0)))
    path = Path(folder) / "part.stl"
    meshio.Mesh(cut.vertices, {"triangle": cut.cells}).write(path, binary=False)
    return Mesh.read(path)


def inside(count):
    x = np.random.default_rng(0).uniform((0, 0, 0), (SIDE, SIDE, HEIGHT), (count, 3))
    return x[~((x[:, :2] > START) & (x[:, :2] < END)).all(axis=1)]


def elements(cells, x):
    """The solution at points by finite elements: those of symmetric places are one."""
    away = START * np.linspace(0, 1, cells + 1) ** GRADING
    along, up = np.concatenate([START - away[::-1], START + away[1:]]), np.linspace(0, HEIGHT / 2, cells + 1)
    mesh = skfem.MeshTet.init_tensor(along, along, up)
    mesh = mesh.remove_elements(np.flatnonzero((mesh.p[:2, mesh.t].mean(axis=1) > START).all(axis=0)))
    basis = skfem.Basis(mesh, skfem.ElementTetP2())
    place, near = basis.doflocs, 1e-12
    is_wall = (place < near).any(axis=0) | (
        (np.abs(place[:2] - START) < near).any(axis=0) & (place[:2] > START - near).all(axis=0)
    )
    free, u = np.flatnonzero(~is_wall), np.zeros(basis.N)
    u[free] = spsolve(laplace.assemble(basis)[free][:, free].tocsc(), unit_load.assemble(basis)[free])
    folded = np.minimum(x, np.array([SIDE, SIDE, HEIGHT]) - x)
    return basis.probes(folded.T) @ u


def difference(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def main(seconds=120.0, cells=10):
    x = inside(POINTS)
    coarse, fine = (elements(count, x) for count in (cells * 3 // 4, cells))
    print(f"finite elements: {difference(coarse, fine):.1e} between {cells * 3 // 4} and {cells} cells")
    with tempfile.TemporaryDirectory() as folder:
        domain = part(folder)
    solid = Problem(
        name="part",
        domain=domain,
        conditions={
            "pde": Condition(lambda u: laplacian(u) + 1.0, on=domain.interior),
            "surface": dirichlet(domain.boundary()),
        },
    )
    solution = fit(solid, budget=seconds)
    found = solution(x=x[:, 0], y=x[:, 1], z=x[:, 2])
    print(f"fit, {solution.summary.seconds.total:.0f} s: {difference(found, fine):.1e}")


if __name__ == "__main__":
    main(*(kind(argument) for kind, argument in zip((float, int), sys.argv[1:], strict=False)))
