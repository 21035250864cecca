"""Wall of two layers in SI units: heat flows from 293 K inside to 263 K outside, through brick and insulation.

k T' is constant: 0.2 m of brick, k = 0.8 W/(m K), then 0.1 m of insulation, k = 0.04 W/(m K), one field per layer.
Incropera & DeWitt, *Fundamentals of heat and mass transfer*, Wiley 2006.
"""

import numpy as np

from pinnkit import Box, Condition, Problem, dirichlet, interface

domain, brick, foam = Box(x=(0.0, 0.3)), Box(x=(0.0, 0.2)), Box(x=(0.2, 0.3))
inside, outside = 293.0, 263.0


def exact(x, k_brick, k_foam):
    flux = (inside - outside) / (0.2 / k_brick + 0.1 / k_foam)
    layer = lambda temperature, is_in: np.where(is_in, temperature, np.nan)
    return {
        "T_brick": layer(inside - flux * x / k_brick, x <= 0.2),
        "T_foam": layer(outside + flux * (0.3 - x) / k_foam, x >= 0.2),
    }


layered_wall = Problem(
    name="layered_wall",
    domain=domain,
    fields=("T_brick", "T_foam"),
    coefficients={"k_brick": 0.8, "k_foam": 0.04},
    conditions={
        "brick": Condition(lambda T_brick: T_brick.xx, on=brick.interior),
        "foam": Condition(lambda T_foam: T_foam.xx, on=foam.interior),
        "inside": dirichlet(domain.lower_face("x"), inside, "T_brick"),
        "outside": dirichlet(domain.upper_face("x"), outside, "T_foam"),
        "contact": interface(
            brick.upper_face("x"), "T_brick", "T_foam", lambda k_brick: k_brick, lambda k_foam: k_foam
        ),
    },
    reference=exact,
)
