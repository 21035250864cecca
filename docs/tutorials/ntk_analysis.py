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
# # The tangent kernel of a small PINN
#
# This tutorial follows, step by step, the *NTK analysis* tutorial of
# [Opifex](https://github.com/avitai/opifex), with the same problem, network, points, optimizer and seed. The
# losses agree. The spectral results do not, for two reasons:
#
# 1. a condition number of $10^{12}$ to $10^{13}$ of a float32 kernel is its largest eigenvalue divided by a
#    clip constant;
# 2. the kernel that predicts training is not the kernel of the network output but that of the weighted loss.
#
# The tutorial takes about half a minute on two cores.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from flax import nnx

import pinnkit
from pinnkit import Condition, Interval, PointSet, Problem
from pinnkit.networks.adapters import as_functional
from pinnkit.ntk import NTKWrapper, compute_ntk_spectrum, identify_slow_modes, predict_mode_errors
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of

# %% [markdown]
# ## 1. Network and points
#
# A network 1-32-32-1 with tanh, in plain flax. It does not depend on pinnkit.


# %%
class PoissonPINN(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.layer1 = nnx.Linear(1, 32, rngs=rngs)
        self.layer2 = nnx.Linear(32, 32, rngs=rngs)
        self.head = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        return self.head(jnp.tanh(self.layer2(jnp.tanh(self.layer1(x)))))


pinn = PoissonPINN(rngs=nnx.Rngs(42))

key = jax.random.PRNGKey(42)
x_ntk = np.asarray(jax.random.uniform(key, (100, 1)))  # points for the kernel
_, key = jax.random.split(key)
x_train = np.asarray(jax.random.uniform(key, (500, 1)))  # points for the equation

# %% [markdown]
# ## 2. The problem
#
# $-u'' = \pi^2 \sin \pi x$ on $[0, 1]$ with $u(0) = u(1) = 0$; the solution is $\sin \pi x$. The points are
# given, so the equation holds on a `PointSet`.
#
# The Opifex tutorial minimises $\overline{r^2} + 10\,\overline{u_b^2}$. The loss in pinnkit is $\tfrac12 \sum_k
# w_k \overline{r_k^2}$, so weights of 2 and 20 give the same loss.

# %%
domain = Interval(x=(0.0, 1.0))


def poisson(points):
    return Problem(
        name="poisson",
        domain=domain,
        conditions={
            "pde": Condition(lambda u, x: -u.xx - jnp.pi**2 * jnp.sin(jnp.pi * x), on=PointSet({"x": points})),
            "walls": Condition(lambda u: u, on=domain.boundary("x")),
        },
        reference=lambda x: np.sin(np.pi * x),
    )


weights = {"pde": 2.0, "walls": 20.0}

# %% [markdown]
# ## 3. The kernel of the network output
#
# $K = J J^\top$ with $J_{ij} = \partial u(x_i) / \partial \theta_j$ at 100 points, no $1/n$.

# %%
wrapper = NTKWrapper(pinn)  # uses the parameters of the network at the time of each call
ntk = wrapper.compute_ntk(x_ntk)
before = wrapper.spectrum(x_ntk)
print("shape:", ntk.shape)
print("leading eigenvalues:", ", ".join(f"{value:.3g}" for value in before.eigenvalues[:10]))
print("resolvable modes:", before.numerical_rank, "of", len(before.eigenvalues))
print("condition number:", before.condition_number)

# %% [markdown]
# The eigenvalues fall by a factor of ten to forty from one to the next. After the first twenty they are below
# the rounding error: the condition number of this kernel cannot be computed in float64, so pinnkit prints a
# bound.
#
# Most of these twenty are resolved only because they come from singular values of $J$. From the kernel matrix
# one gets half as many decades, and in float32 half of those again:

# %%
eigenvalues_of_matrix, _ = compute_ntk_spectrum(ntk)
eigenvalues_float32 = np.linalg.eigvalsh(ntk.astype(np.float32))[::-1]
print("from J in float64:         ", before.numerical_rank, "modes above the noise floor")
print("from the matrix in float64:", pinnkit.ntk.numerical_rank(ntk), "modes")
print("from the matrix in float32:", pinnkit.ntk.numerical_rank(ntk.astype(np.float32)), "modes,", end=" ")
print((eigenvalues_float32 < 0).sum(), "eigenvalues come out negative")

# %% [markdown]
# ### Where 5.81e+12 comes from
#
# The Opifex tutorial reports a condition number of 5.81e+12. It clips the float32 eigenvalues from below at
# 1e-10, then divides by the smallest plus 1e-10. The numerator is correct. The denominator is 2e-10 for any
# kernel:

# %%
clipped = before.largest_eigenvalue / 2e-10
print(f"λ_max / 2e-10 = {clipped:.2e}")
print(f"ln(λ_max / 1e-10) = {np.log(before.largest_eigenvalue / 1e-10):.2f}, its indicator of spectral bias")

# %% [markdown]
# Its 97 slow modes of 100 are those with $|1 - \eta\lambda| > 0.999$ at $\eta = 10^{-3}$, that is with
# $\lambda < 1$. The number depends on the learning rate and the threshold; three modes are above.

# %%
slow_modes = int(identify_slow_modes(before, learning_rate=1e-3, threshold=0.999).sum())
print("slow modes:", slow_modes)

# %% [markdown]
# ## 4. Training, with kernel snapshots
#
# Adam with learning rate 1e-3, 500 steps, all points in each step, single precision. Any optax optimizer is
# a strategy.

# %%
problem = poisson(x_train)
solution = pinnkit.fit(problem, pinn, optax.adam(1e-3), steps=500, weights=weights, precision="single")
losses = solution.history.loss[[0, 100, 200, 300, 400, 499]]
published = [72.56213, 11.81392, 1.993417, 0.1775255, 0.04693647, 0.03767164]
print(" step   tutorial    pinnkit")
for step, theirs, ours in zip([0, 100, 200, 300, 400, 500], published, losses, strict=True):
    print(f"{step:5d}   {theirs:<9.4g}   {ours:<9.4g}")

# %% [markdown]
# (The value that the Opifex tutorial prints for step 500 is the loss before the 500th step.)
#
# The network `pinn` is unchanged. The trained one is `solution.model`.

# %%
after = NTKWrapper(solution.model).spectrum(x_ntk)
x_test = np.linspace(0, 1, 100)
error = solution(x=x_test) - np.sin(np.pi * x_test)
rms = float(np.sqrt(np.mean(error**2)))
relative = rms / float(np.sqrt(np.mean(np.sin(np.pi * x_test) ** 2)))
print(f"error: RMS {rms:.3e}, maximum {np.abs(error).max():.2e}, relative L2 {relative:.3e}")

# %% [markdown]
# ## 5. Three kernels
#
# The output kernel does not determine training. The equation acts on $u''$, not on $u$; its residual has its
# own kernel. And the loss weights the conditions: with rows scaled by $\sqrt{w_k/N_k}$ the loss is
# $\tfrac12\|r\|^2$, and the eigenvalues of $J J^\top$ of this scaled residual, the *training kernel*, are the
# rates of gradient flow.
#
# `diagnose` computes the kernel of a problem with a given model and unit weights; the block of a condition
# times its number of points is the kernel of its residual. `fit` records snapshots of the training kernel.

# %%
kernel_problem = poisson(x_ntk)
at_start = pinnkit.fit(kernel_problem, pinn, optax.sgd(1.0), steps=0, weights=weights)
at_end = pinnkit.fit(kernel_problem, solution.model, optax.sgd(1.0), steps=0, weights=weights)
records = [run.history.diagnostics[0] for run in (at_start, at_end)]


def unscaled(record, condition):
    """Eigenvalues of a block without its weight and 1/N."""
    block = record.blocks[condition]
    return block.eigenvalues[block.resolvable] * record.points[condition] / record.weights[condition]


spectra = {
    "output, 100 points": [s.eigenvalues[s.resolvable] for s in (before, after)],
    "residual, 100 points": [unscaled(record, "pde") for record in records],
    "boundary, 2 points": [unscaled(record, "walls") for record in records],
    "training (weighted)": [record.eigenvalues[record.spectrum.resolvable] for record in records],
}
print(f"{'kernel':22} {'λ_max':>16} {'trace':>18} {'effective rank':>16} {'resolvable':>12}")
for name, (first, last) in spectra.items():
    trace = f"{first.sum():.4g} → {last.sum():.4g}"
    rank = " → ".join(f"{pinnkit.ntk.effective_rank(values):.2f}" for values in (first, last))
    largest, resolvable = f"{first[0]:.4g} → {last[0]:.4g}", f"{len(first)} → {len(last)}"
    print(f"{name:22} {largest:>16} {trace:>18} {rank:>16} {resolvable:>12}")

# %% [markdown]
# The kernel changed a lot: this network is far from the infinite-width limit, in which the kernel would not
# change. The kernel snapshots of the run show when.

# %%
for record in solution.history.diagnostics:
    print(
        f"step {record.step:3d}: λ_max {record.spectrum.largest_eigenvalue:6.1f}, "
        f"effective rank {record.effective_rank:.2f}, drift {record.kernel_drift:.2f}, "
        f"stable rate of gradient descent {record.stable_learning_rate:.2e}"
    )

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
for name, (first, last) in spectra.items():
    (line,) = left.semilogy(first, "o-", markersize=3, label=name)
    left.semilogy(last, "s--", markersize=3, color=line.get_color())
left.axhline(1e-10, color="black", linewidth=0.8, label="clip constant 1e-10")
left.set(xlabel="mode", title="Resolvable modes (solid: initial, dashed: final)")
left.legend(fontsize="small")
right.semilogy(before.eigenvalues, ".", label="from singular values of J")
right.semilogy(np.abs(eigenvalues_of_matrix), ".", label="from the matrix, float64")
right.semilogy(np.abs(eigenvalues_float32), ".", label="from the matrix, float32")
right.axhline(before.noise_floor, color="C0", linewidth=0.8, label="its noise floor")
right.set(xlabel="mode", title="Output kernel: |λ| as computed")
right.legend(fontsize="small")
figure.tight_layout()

# %% [markdown]
# ## 6. What a kernel predicts
#
# For a fixed kernel, $k$ steps of gradient descent with rate $\eta$ on $\tfrac12\|r\|^2$ turn the coefficient
# $c_i$ of each mode into $(1 - \eta\lambda_i)^k c_i$. Two hundred steps with $\eta = 0.02/\lambda_{\max}$, on the
# 100 points of the kernel:

# %%
start = records[0]
eta = 0.02 / start.spectrum.largest_eigenvalue
descent = pinnkit.fit(kernel_problem, pinn, optax.sgd(eta), steps=201, weights=weights)
actual = descent.history.loss
steps = np.arange(201)

predicted = np.array(
    [0.5 * np.sum(predict_mode_errors(start.mode_coefficients, start.spectrum, eta, int(k)) ** 2) for k in steps]
)

# %% [markdown]
# For comparison, the prediction of the output kernel, as one would make it without the training kernel: the
# residual of the equation in the modes of $K$, decaying at $\eta\lambda_i(K)$, and a constant boundary part. The
# residuals at single points come from [`ResidualFunctions`](../api/internals.md). They are converted to NumPy
# inside the context, because JAX would compute with float64 arrays in float32 outside it.

# %%
with jax.enable_x64(True):
    functions = ResidualFunctions(kernel_problem, as_functional(pinn, size=1))
    batch = batch_of(kernel_problem, at_start.state.layouts)
    residuals = {name: np.asarray(r) for name, r in functions(at_start.state.params, batch).items()}
output_kernel = wrapper.spectrum(x_ntk, vectors=True)
coefficients = wrapper.compute_mode_coefficients(residuals["pde"] / np.sqrt(100), output_kernel.eigenvectors)
decayed = [predict_mode_errors(coefficients, output_kernel, eta, int(k)) for k in steps]
by_output_kernel = np.sum(np.square(decayed), axis=1) + 10 * np.mean(np.square(residuals["walls"]))

print(f"loss after 200 steps:         {actual[200]:.2f}")
for name, curve in {"training kernel": predicted, "output kernel": by_output_kernel}.items():
    print(f"predicted by {name}: {curve[200]:8.2f} ({curve[200] / actual[200] - 1:+.0%})")

# %%
figure, axes = plt.subplots(figsize=(6, 4))
axes.semilogy(steps, actual, label="gradient descent")
axes.semilogy(steps, predicted, "--", label="training kernel of step 0")
axes.semilogy(steps, by_output_kernel, ":", label="output kernel of step 0")
axes.set(xlabel="step", title="Loss, and the predictions of fixed kernels")
axes.legend()
figure.tight_layout()

# %% [markdown]
# The prediction is local. With ten times this rate, or after ten times as many steps, the kernel has changed so
# much that its initial spectrum predicts nothing; `kernel_drift` in the snapshots of a run is the distance.
#
# ## 7. Comparison of the results

# %%
rows = [
    ("condition number, initial", "5.81e+12", f"{before.condition_number}"),
    ("condition number, final", "1.41e+13", f"{after.condition_number}"),
    ("  λ_max / 2e-10, initial → final", "the same", f"{clipped:.2e} → {after.largest_eigenvalue / 2e-10:.2e}"),
    ("resolvable modes of 100", "–", f"{before.numerical_rank} → {after.numerical_rank}"),
    ("effective rank (Σλ)²/Σλ²", "1.20 → 1.40", f"{before.effective_rank:.2f} → {after.effective_rank:.2f}"),
    ("loss, initial", "7.26e+01", f"{losses[0]:.2e}"),
    ("loss, final", "3.77e-02", f"{losses[-1]:.2e}"),
    ("RMS error (called L2 there)", "3.12e-03", f"{rms:.2e}"),
    ("relative L2 error", "–", f"{relative:.2e}"),
]
print(f"{'':32}{'tutorial':>14}{'pinnkit':>24}")
for name, theirs, ours in rows:
    print(f"{name:32}{theirs:>14}{ours:>24}")

# %% [markdown]
# The effective rank in the Opifex tutorial, 1.20 → 1.40, is the exponential of the entropy of the eigenvalues;
# the formula that it states, $(\sum\lambda)^2/\sum\lambda^2$, gives a lower value.
#
# ## 8. The same problem, solved
#
# A few modes have all of the large eigenvalues, so the remedy is an update that reduces all modes equally: a
# Gauss-Newton step, which is solved with the kernel.

# %%
solved = pinnkit.fit(poisson(x_ntk), pinn, "gauss-newton", steps=100)
print(f"relative L2 error {solved.summary.relative_l2['u']:.1e} after {solved.summary.seconds.total:.0f} s")

# %%
plt.show()
