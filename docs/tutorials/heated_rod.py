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
# # Heat in a rod, with units
#
# A steel rod of half a metre is at room temperature. One end is put into a furnace; the other end is cooled by the
# air around it (a Robin condition). How hot does the cooled end get, and when? The tutorial takes about a minute on
# two cores.
#
# With the temperature $T$, the conductivity $k$, the heat capacity $c$ per volume and the heat transfer
# coefficient $h$,
#
# $$ c\, T_t = k\, T_{xx}, \qquad T(0, t) = T_f(t), \qquad -k\, T_x = h\, (T - T_a) \text{ at } x = L. $$

# %%
import jax.numpy as jnp
import numpy as np

import pinnkit
from pinnkit import Box, Condition, Problem

# %% [markdown]
# ## Units
#
# pinnkit does not convert numbers, so all of them must be in one system of units. In SI units the terms $c\,T_t$ are of
# the order $10^5$ W/m³, and the condition at the end of the order $10^4$ W/m². A sum of squares of such different
# sizes is a poor loss. We measure time in hours and divide the equations by $c$ and $k$: with the diffusivity
# $\alpha = k/c$ and the ratio $b = h/k$, all terms are of the order 100.

# %%
k, c, h = 45.0, 3.6e6, 200.0  # W/(m K), J/(m³ K), W/(m² K)
rod = Box(
    x=(0.0, 0.5),
    t=(0.0, 6.0),
    units={"x": "m", "t": "h"},
    labels={"x": "position", "t": "time"},
)


def furnace(t):
    """The temperature of the hot end: it rises to 100 °C within an hour, gently at first."""
    return 20.0 + 80.0 * (1 - jnp.exp(-((t / 0.5) ** 2)))


heated_rod = Problem(
    name="heated_rod",
    domain=rod,
    fields=("T",),
    coefficients={"alpha": 3600 * k / c, "b": h / k, "air": 20.0},
    units={"T": "°C", "alpha": "m²/h", "b": "1/m", "air": "°C"},
    labels={"T": "temperature", "alpha": "diffusivity"},
    conditions={
        "heat": Condition(lambda T, alpha: T.t - alpha * T.xx, on=rod.interior),
        "initial": Condition(lambda T, air: T - air, on=rod.start("t")),
        "furnace": Condition(lambda T, t: T - furnace(t), on=rod.lower_face("x")),
        "air": Condition(lambda T, b, air: T.x + b * (T - air), on=rod.upper_face("x")),
    },
)
print(heated_rod)

# %% [markdown]
# ## The solution

# %%
solution = pinnkit.fit(heated_rod, budget=60.0, progress=False)
print(solution.report.verdict)

# %%
solution.plot(t=[0.0, 0.25, 1.0, 3.0, 6.0])

# %% [markdown]
# ## Size of the terms
#
# The loss compares residuals as numbers. The sizes of the terms show whether that is fair: the rms of every term of
# every equation, over the region of its condition.

# %%
sizes = {name: check.rows[0].terms for name, check in solution.summary.conditions.items()}
for name, terms in sizes.items():
    print(f"{name}: " + ", ".join(f"{term} {size:.3g}" for term, size in terms.items()))

# %% [markdown]
# ## Is it right?
#
# There is no reference, but heat is conserved: what flows in at the furnace, less what the air takes away, is stored in
# the rod. Per area of the cross-section, in kJ/m²:

# %%
stored = c / 1e3 * float(solution.integrate(lambda T, air: T - air, t=6.0))
flow = lambda face: 3.6 * k * float(solution.integrate(lambda T: -T.x, over=face))
flowed_in, flowed_out = flow(rod.lower_face("x")), flow(rod.upper_face("x"))
imbalance = flowed_in - flowed_out - stored
print(f"in {flowed_in:,.0f}, out {flowed_out:,.0f}, stored {stored:,.0f}, imbalance {imbalance:,.1f}")

# %% [markdown]
# After a long time the temperature falls linearly from the furnace to the end, where the flux through the rod is the
# flux into the air: $T(L) = T_a + (T_f - T_a)/(1 + hL/k)$.

# %%
steady = 20 + 80 / (1 + h * 0.5 / k)
times = np.linspace(0, 6, 121)
end = np.asarray(solution(x=0.5, t=times))
warm = times[np.argmax(end > 20 + 0.9 * (steady - 20))]
print(f"at the end {end[-1]:.2f} °C, in the long run {steady:.2f} °C; nine tenths of that after {warm:.1f} h")
