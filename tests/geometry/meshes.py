"""Meshes for tests."""

from itertools import permutations

import numpy as np


def rectangle(columns, rows, width=1.0, height=1.0):
    """Vertices and triangles of a rectangle, and the edges of its parts by name."""
    number = np.arange((columns + 1) * (rows + 1)).reshape(columns + 1, rows + 1)
    x, y = np.meshgrid(np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1), indexing="ij")
    a, b, c, d = (own.ravel() for own in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]))
    sides = {"left": number[0], "right": number[-1], "bottom": number[:, 0], "top": number[:, -1]}
    edges = {name: np.stack([own[:-1], own[1:]], axis=1) for name, own in sides.items()}
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, d, c], axis=1)])  # either way round
    return np.stack([x.ravel(), y.ravel()], axis=-1), triangles, edges


def ring(around, across, inner=0.5, outer=1.0):
    """Vertices and triangles between two regular polygons, and the edges "outer" and "inner"."""
    points, triangles, edges = rectangle(around, across)
    radius, angle = inner + (outer - inner) * points[:, 1], 2 * np.pi * points[:, 0]
    last = np.arange(len(points)) % (around * (across + 1))  # the last column is the first
    sides = {"inner": last[edges["bottom"]], "outer": last[edges["top"]]}
    places = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)[: around * (across + 1)]
    return places, last[triangles], sides


def cube(cells):
    """Vertices and tetrahedra of the unit cube (Kuhn's subdivision), and its faces by name."""
    number = np.arange((cells + 1) ** 3).reshape(3 * (cells + 1,))
    points = np.stack(np.meshgrid(*3 * [np.linspace(0, 1, cells + 1)], indexing="ij"), axis=-1).reshape(-1, 3)
    start, steps = number[:-1, :-1, :-1].ravel(), np.array([(cells + 1) ** 2, cells + 1, 1])
    tetrahedra = [
        np.stack([start + own for own in np.cumsum([0, *steps[list(order)]])], axis=1)
        for order in permutations(range(3))
    ]
    tetrahedra = np.concatenate(tetrahedra)
    faces = np.concatenate([np.delete(tetrahedra, i, axis=1) for i in range(4)])
    flat = lambda axis, value: faces[(points[faces][:, :, axis] == value).all(axis=1)]
    return points, tetrahedra, {"floor": flat(2, 0.0), "lid": flat(2, 1.0)}


def block(low=(0.0, 0.0, 0.0), high=(1.0, 1.0, 1.0)):
    """Vertices and triangles of the surface of a box, directed outwards."""
    points, tetrahedra, _ = cube(1)
    faces = np.concatenate([np.delete(tetrahedra, i, axis=1) for i in range(4)])
    _, first, counts = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    faces = faces[first[counts == 1]]
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    inward = (normals * (points[faces].mean(axis=1) - 0.5)).sum(axis=1) < 0
    faces[inward] = faces[inward][:, [1, 0, 2]]
    return np.array(low) + points * (np.array(high) - np.array(low)), faces


def together(*surfaces):
    """Several surfaces as one."""
    counts = np.cumsum([0, *(len(points) for points, _ in surfaces)])
    faces = [own + count for (_, own), count in zip(surfaces, counts, strict=False)]
    return np.concatenate([points for points, _ in surfaces]), np.concatenate(faces)
