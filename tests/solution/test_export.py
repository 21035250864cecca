"""A solution as a program for others computes the same fields."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, InputError, Problem, fit
from pinnkit.solution.numpy_module import numpy_module

PLANE = Box(x=(0.0, 1.0), t=(-1.0, 1.0))
FLOW = Problem(
    "flow",
    PLANE,
    {
        "pde": Condition(lambda u, p: u.t - u.xx + p.x, on=PLANE.interior),
        "walls": Condition(lambda u: u, on=PLANE.boundary("x")),
        "start": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=PLANE.start("t")),
    },
    fields={"u": 1, "p": 1},
)
SCRIPT = """
import sys
import numpy as np
import flow
np.savez("fields.npz", **flow.evaluate(np.load("x.npy")))
assert not {"jax", "pinnkit", "scipy"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def solution():
    return fit(FLOW, strategy="adam", steps=2, points=8, width=6, depth=2)


def points(n=7):
    return np.random.default_rng(0).uniform((0, -1), (1, 1), (n, 2))


def run(folder, x):
    """What a module `flow.py` gives in a process of its own."""
    np.save(folder / "x.npy", x)
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, check=True)
    return dict(np.load(folder / "fields.npz"))


def test_a_module_needs_numpy_alone_and_gives_the_same_fields(solution, tmp_path):
    solution.export(tmp_path / "flow.py")
    found, exact = run(tmp_path, points()), solution.on(points())
    assert set(found) == {"u", "p"}
    for name in exact:
        np.testing.assert_allclose(found[name], exact[name], rtol=1e-12, atol=1e-14)


def test_operations_of_other_networks_are_written_for_any_number_of_points(tmp_path):
    """Each field takes other operations; the oracle is JAX."""

    def fields(x):
        rows = jnp.concatenate([x, x[:, :1] ** 3], axis=1)
        soft = jnp.exp(rows - rows.max(axis=1, keepdims=True))
        return {
            "a": jnp.where(x[:, 0] > 0.3, jnp.tanh(x[:, 1]), -jax.nn.sigmoid(x[:, 1])),
            "b": soft / soft.sum(axis=1, keepdims=True),
            "c": jnp.einsum("ni,njk->nk", x, jnp.ones((1, 2, 3)) * x[:, :, None]),
            "d": jax.scipy.special.erf(jnp.stack([x[:, 0], jnp.arange(2.0)[None, 1] * x[:, 1]], axis=-1)),
            "e": jnp.clip(x.T[0], 0.2, 0.6),
        }

    (tmp_path / "flow.py").write_text(numpy_module(fields, ("x", "t"), "flow", "0"))
    for n in (1, 5):
        found = run(tmp_path, points(n))
        with jax.enable_x64(True):
            for name, exact in fields(jnp.asarray(points(n))).items():
                np.testing.assert_allclose(found[name], exact, rtol=1e-13, atol=1e-15, err_msg=name)


def test_a_program_runs_at_any_number_of_points(solution, tmp_path):
    path = solution.export(tmp_path / "flow.stablehlo")
    with jax.enable_x64(True):
        program = jax.export.deserialize(bytearray(path.read_bytes()))
        for n in (1, 9):
            found, exact = program.call(points(n)), solution.on(points(n))
            for name in exact:
                np.testing.assert_allclose(found[name], exact[name], rtol=1e-12, atol=1e-14)


def test_what_numpy_does_not_have_is_refused_with_the_other_format():
    with pytest.raises(InputError, match="NumPy does not have; export it as `.stablehlo`"):
        numpy_module(lambda x: {"u": jax.lax.digamma(x[:, 0])}, ("x",), "flow", "0")


def test_other_formats_are_refused(solution, tmp_path):
    with pytest.raises(InputError, match="exported as `.stablehlo` or `.py`, got 'flow.onnx'"):
        solution.export(tmp_path / "flow.onnx")
