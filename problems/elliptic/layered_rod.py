"""Rod of two materials that is heated throughout, (k T')' + 1 = 0 on [0, 1], T = 0 at both ends: k jumps from 1 to 10.

Each material has a field of its own; k T' = −(x + c) in both.
"""

from pinnkit import Condition, Interval, Problem, dirichlet, interface

left, right = Interval(x=(0.0, 0.6)), Interval(x=(0.6, 1.0))


def exact(x, k_left, k_right):
    c = -(0.6**2 / k_left + (1 - 0.6**2) / k_right) / (2 * (0.6 / k_left + (1 - 0.6) / k_right))
    return {"T_left": -(x**2 / 2 + c * x) / k_left, "T_right": (1 / 2 + c - x**2 / 2 - c * x) / k_right}


layered_rod = Problem(
    name="layered_rod",
    fields={"T_left": left, "T_right": right},
    coefficients={"k_left": 1.0, "k_right": 10.0},
    conditions={
        "left": Condition(lambda T_left, k_left: k_left * T_left.xx + 1, on=left.interior),
        "right": Condition(lambda T_right, k_right: k_right * T_right.xx + 1, on=right.interior),
        "cold left": dirichlet(left.lower_face("x"), field="T_left"),
        "cold right": dirichlet(right.upper_face("x"), field="T_right"),
        "contact": interface(left.boundary(right), "T_left", "T_right", lambda k_left: k_left, lambda k_right: k_right),
    },
    reference=exact,
)
