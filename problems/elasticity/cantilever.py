"""Cantilever under its own weight, u'''' = 1 on [0, 1]: clamped at x = 0, free at x = 1.

u = x² (x² − 4x + 6) / 24 in units of qL⁴/EI. Timoshenko, *Strength of materials*, Van Nostrand 1930.
"""

from pinnkit import Condition, Interval, Problem

domain = Interval(x=(0.0, 1.0))


def exact(x):
    return x**2 * (x**2 - 4 * x + 6) / 24


cantilever = Problem(
    name="cantilever",
    domain=domain,
    conditions={
        "beam": Condition(lambda u: u.xxxx - 1.0, on=domain.interior),
        "clamped": Condition(lambda u: [u, u.x], on=domain.lower_face("x")),
        "free": Condition(lambda u: [u.xx, u.xxx], on=domain.upper_face("x")),
    },
    reference=exact,
)
