"""The code blocks of the Opifex guide to the neural tangent kernel, with nothing but the imports changed."""

import numpy as np
import pytest

BLOCKS = {
    "model and kernel": """
from flax import nnx
import jax.numpy as jnp
from pinnkit.ntk import compute_ntk

# 1. Define your model
class MyModel(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.linear1 = nnx.Linear(2, 64, rngs=rngs)
        self.linear2 = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.tanh(self.linear1(x))
        return self.linear2(x)

model = MyModel(rngs=nnx.Rngs(0))

# 2. Prepare input data
x = jnp.linspace(-1, 1, 50).reshape(-1, 1)
x = jnp.hstack([x, x**2])  # 2D input

# 3. Compute NTK
# Returns (batch, batch) matrix
ntk_matrix = compute_ntk(model, x)
""",
    "spectrum": """
from pinnkit.ntk import (
    compute_ntk_spectrum,
    compute_condition_number,
    effective_dimension
)

# Compute eigenvalues and eigenvectors
# Eigenvalues are sorted in descending order
eigenvalues, eigenvectors = compute_ntk_spectrum(ntk_matrix)

# 1. Condition Number
# Ratio of largest to smallest eigenvalue (κ = λ_max / λ_min)
kappa = compute_condition_number(ntk_matrix)
print(f"Condition Number: {kappa:.2e}")

# 2. Effective Dimension
# Measures the number of effectively determined parameters/directions
# N_eff(γ) = Σ λ_i / (λ_i + γ)
eff_dim = effective_dimension(eigenvalues, gamma=1e-4)
print(f"Effective Dimension: {eff_dim:.2f}")
""",
    "filtering": """
from pinnkit.ntk import ntk_spectral_filtering

# Assume 'residuals' is a vector of size (N,) matching the training points
residuals = jnp.ones(50)

# Filter to keep only the top-5 spectral components
# This shows the part of the signal corresponding to the "fastest" learning modes
filtered_residuals = ntk_spectral_filtering(
    gradient_vector=residuals,
    eigenvectors=eigenvectors,
    k=5
)
""",
    "monitoring": """
    # In your training loop:
    if step % 100 == 0:
        ntk = compute_ntk(model, x_batch)
        kappa = compute_condition_number(ntk)
        print(f"Step {step}, Condition Number: {kappa:.2e}")
""",
}


@pytest.fixture(scope="module")
def names():
    """What the blocks up to the training loop define, and a loop around the last one."""
    names: dict = {"__name__": "guide"}
    for title in ("model and kernel", "spectrum", "filtering"):
        exec(compile(BLOCKS[title], title, "exec"), names)  # noqa: S102  the guide is the test
    return names


def test_kernel_of_the_guide(names):
    ntk = names["ntk_matrix"]
    assert ntk.shape == (50, 50) and ntk.dtype == np.float64
    np.testing.assert_array_equal(ntk, ntk.T)


def test_spectrum_of_the_guide(names):
    eigenvalues, eigenvectors = names["eigenvalues"], names["eigenvectors"]
    assert (np.diff(eigenvalues) <= 0).all()
    np.testing.assert_allclose(eigenvectors * eigenvalues @ eigenvectors.T, names["ntk_matrix"], atol=1e-11)
    assert names["kappa"].is_lower_bound and f"{names['kappa']:.2e}".startswith("> ")
    # The sum of the guide, in absolute γ, over the matrix itself: tr K (K + γ 1)⁻¹.
    expected = np.trace(np.linalg.solve(names["ntk_matrix"] + 1e-4 * np.eye(50), names["ntk_matrix"]))
    np.testing.assert_allclose(names["eff_dim"], expected, atol=1e-6)


def test_filtering_of_the_guide(names):
    filtered, leading = names["filtered_residuals"], names["eigenvectors"][:, :5]
    np.testing.assert_allclose(filtered, leading @ (leading.T @ np.ones(50)), atol=1e-13)


def test_monitoring_of_the_guide_in_a_training_loop(names, capsys):
    loop = "import optax\n"
    loop += "optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)\n"
    loop += "x_batch, y_batch = x, jnp.sin(3.0 * x[:, :1])\n"
    loop += "@nnx.jit\n"
    loop += "def train_step(model, optimizer):\n"
    loop += "    loss, gradient = nnx.value_and_grad(lambda m: jnp.mean((m(x_batch) - y_batch) ** 2))(model)\n"
    loop += "    optimizer.update(model, gradient)\n"
    loop += "    return loss\n"
    loop += "losses = []\n"
    loop += "for step in range(301):\n"
    loop += "    losses.append(float(train_step(model, optimizer)))\n"
    exec(compile(loop + BLOCKS["monitoring"], "monitoring", "exec"), names)  # noqa: S102
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Step 0", "Step 100", "Step 200", "Step 300"]
    assert all(line.split(": ")[1].startswith("> ") for line in lines)
    assert names["losses"][-1] < 0.1 * names["losses"][0]
    assert not np.allclose(names["ntk"], names["ntk_matrix"])
