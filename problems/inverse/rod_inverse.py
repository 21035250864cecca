"""A cooling rod: diffusivity and heat transfer from 60 readings with noise, in SI units, T above the surroundings.

T_t = a T_xx on 0 < x < 0.1 m for 600 s, insulated at x = 0, T_x = −H T at x = 0.1 m, from an unknown temperature.
a = 1e-5 m²/s and H = h/k = 11.3 1/m are to be found. The readings have errors of 0.5 K.
Beck & Arnold, *Parameter estimation in engineering and science*, Wiley 1977.
"""

import numpy as np

from pinnkit import Box, Condition, PointSet, Problem, Unknown, neumann, robin

domain = Box(x=(0.0, 0.1), t=(0.0, 600.0))
mode, noise = 9.0, 0.5
true_coefficients = {"a": 1e-5, "H": mode * float(np.tan(0.1 * mode))}


def exact(x, t):
    return 80.0 * np.cos(mode * x) * np.exp(-1e-5 * mode**2 * t)


rng = np.random.default_rng(0)
x, t = rng.uniform(*domain.bounds, (60, 2)).T
readings = exact(x, t) + noise * rng.standard_normal(60)

rod_inverse = Problem(
    name="rod_inverse",
    domain=domain,
    fields=("T",),
    coefficients={"a": Unknown(3e-5, positive=True), "H": Unknown(5.0, positive=True)},
    conditions={
        "heat": Condition(lambda T, a: T.t - a * T.xx, on=domain.interior),
        "insulated": neumann(domain.lower_face("x"), field="T"),
        "cooled": robin(domain.upper_face("x"), lambda H: H, 1.0, field="T"),
        "readings": Condition(lambda T, reading: T - reading, on=PointSet({"x": x, "t": t}, reading=readings)),
    },
    reference=exact,
)
