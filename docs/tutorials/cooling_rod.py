# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What noisy readings say: an inverse problem
#
# An aluminium rod of 0.1 m has been heated unevenly and cools. One end is insulated, the other loses heat to the air.
# Thermocouples have been read 60 times, at places and times that were convenient, with errors of about half a kelvin.
# How well does the rod conduct, how fast does the end lose heat, and how sure are we? The tutorial takes about a
# minute on two cores.
#
# With the temperature $T$ above that of the air, the diffusivity $a$ and the ratio $H = h/k$ of the heat transfer
# coefficient and the conductivity,
#
# $$ T_t = a\, T_{xx}, \qquad T_x(0, t) = 0, \qquad T_x = -H\, T \text{ at } x = L. $$
#
# The initial temperature is not known: the readings must say that, too.

# %%
import matplotlib.pyplot as plt
import numpy as np

import pinnkit
from pinnkit import Box, Condition, Problem, Unknown, data, neumann, robin

# %% [markdown]
# ## The readings
#
# These lines make a file that stands for your own. Its temperatures are $80 \cos(9 x)\, e^{-81 a t}$, which satisfy the
# equations with $H = 9 \tan 0.9 = 11.34$ 1/m and, for aluminium, $a = 9.7 \cdot 10^{-5}$ m²/s. We measure time in
# minutes and length in decimetres, so that all numbers are of the order 1 or 10: $a = 0.582$ dm²/min, $H = 1.134$ 1/dm.

# %%
rng = np.random.default_rng(0)
x, t = rng.uniform(0, 1, 60), rng.uniform(0, 3, 60)
T = 80 * np.cos(0.9 * x) * np.exp(-0.582 * 0.9**2 * t) + 0.5 * rng.standard_normal(60)
np.savetxt("readings.csv", np.stack([x, t, T], axis=1), delimiter=",", header="x,t,T", comments="")

# %% [markdown]
# ## The problem
#
# It reads as it does on paper. An `Unknown` starts from a guess; a positive one keeps its sign. Of the noise nothing is
# said: pinnkit estimates it.

# %%
rod = Box(x=(0.0, 1.0), t=(0.0, 3.0), units={"x": "dm", "t": "min"}, labels={"x": "position", "t": "time"})
cooling = Problem(
    name="cooling_rod",
    domain=rod,
    fields=("T",),
    coefficients={"a": Unknown(0.2, positive=True), "H": Unknown(0.5, positive=True)},
    units={"T": "K", "a": "dm²/min", "H": "1/dm"},
    labels={"T": "temperature above the air", "a": "diffusivity"},
    conditions={
        "heat": Condition(lambda T, a: T.t - a * T.xx, on=rod.interior),
        "insulated": neumann(rod.lower_face("x"), field="T"),
        "air": robin(rod.upper_face("x"), a=lambda H: H, b=1.0, field="T"),
        "readings": data("readings.csv", rod, fields=("T",)),
    },
)
print(cooling)

# %%
solution = pinnkit.fit(cooling, budget=60.0, choices=pinnkit.Choices(unknowns=(300,)), progress=False)
print(solution.report.verdict)

# %% [markdown]
# `choices` keeps the example small; leave it out for a problem of your own.
#
# ## What was found, and how well
#
# Intervals have 95 % confidence. They are from the curvature of the loss, and cover the truth as often as they say if
# the equations are right.

# %%
summary = solution.summary
for name, (low, high) in summary.coefficient_intervals.items():
    print(f"{name} = {solution.coefficients[name]:.4f} {cooling.units[name]}, between {low:.4f} and {high:.4f}")
print(f"noise: {summary.data['readings'].sigma:.2f} K")

# %% [markdown]
# A rod that conducts better and loses less heat cools alike: errors of the two are correlated. The joint region is
# an ellipse.

# %%
covariance = summary.coefficient_covariance
print(f"correlation of a and H: {covariance.correlation('a', 'H'):.2f}")
center = [solution.coefficients[name] for name in covariance.names]
turn = np.linspace(0, 2 * np.pi, 100)
size = np.sqrt(5.99)  # 95 % of χ² with two degrees of freedom
ellipse = size * np.linalg.cholesky(covariance.matrix) @ [np.cos(turn), np.sin(turn)]
figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
axes.plot(center[0] + ellipse[0], center[1] + ellipse[1])
axes.plot(*center, "o", label="found")
true = {"a": 0.582, "H": 0.9 * np.tan(0.9)}
axes.plot(*[true[name] for name in covariance.names], "x", label="true")
axes.set(
    **{f"{axis}label": f"{name} ({cooling.units[name]})" for axis, name in zip("xy", covariance.names, strict=True)}
)
axes.legend()
# %% [markdown]
# ## Is the model consistent with the readings?
#
# Residuals of readings are noise if they do not depend on those of their neighbours. Otherwise the fit has not
# converged, or the equations are wrong.

# %%
fitted = summary.data["readings"]
print(f"correlation of neighbouring residuals: {fitted.correlation:.1f} standard deviations (noise: below 3.3)")
print(f"degrees of freedom: {fitted.degrees:.1f} of {len(x)}")

# %% [markdown]
# ## The temperature itself
#
# is uncertain, too, most where nothing was measured. `band` gives the interval at each point, here at the initial time,
# which no thermocouple has seen.

# %%
places = np.linspace(0, 1, 50)
band = solution.band(x=places, t=0.0)
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.fill_between(places, band.lower, band.upper, alpha=0.3, label="95 % band")
axes.plot(places, solution(x=places, t=0.0), label="found")
axes.plot(places, 80 * np.cos(0.9 * places), "--", label="true")
axes.set(xlabel="position x (dm)", ylabel="T at t = 0 (K)")
axes.legend()
# %% [markdown]
# At most places the band is narrower than that of a single reading, which is two kelvin wide: the heat equation carries
# what all readings say to every point. In SI units the two numbers are

# %%
si = 1e-2 / 60
print(f"a = {solution.coefficients['a'] * si:.2e} m²/s, H = {10 * solution.coefficients['H']:.2f} 1/m")
