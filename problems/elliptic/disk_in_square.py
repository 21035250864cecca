"""A disk of radius 1/2, ten times as conductive as the square [−1, 1]² around it, in a field uniform far away.

On the square are the values of the solution in the plane: u = a x inside, x (1 + b / 4r²) outside.
Maxwell, *A treatise on electricity and magnetism*, Clarendon Press 1873, § 314.
"""

from pinnkit import Box, Condition, Disk, Problem, dirichlet, interface, laplacian

disk = Disk(radius=0.5)
plate = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - disk


def outside(x, y, k):
    return x * (1 + (1 - k) / (1 + k) / (4 * (x**2 + y**2)))


def exact(x, y, k):
    away = (x**2 + y**2 < 0.01) * 1.0  # the field outside is singular at the center
    return {"inner": 2 / (1 + k) * x, "outer": outside(x + away, y, k)}


disk_in_square = Problem(
    name="disk_in_square",
    fields={"inner": disk, "outer": plate},
    coefficients={"k": 10.0},
    conditions={
        "inner": Condition(lambda inner, k: k * laplacian(inner), on=disk.interior),
        "outer": Condition(lambda outer: laplacian(outer), on=plate.interior),
        "square": dirichlet(plate.boundary("left", "right", "bottom", "top"), outside, field="outer"),
        "contact": interface(disk.boundary(plate), "inner", "outer", lambda k: k),
    },
    reference=exact,
)
