"""Products of matrices keep the precision of their entries, whatever the accelerator does by default."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Callback, fit
from pinnkit.ntk import NTKWrapper, compute_jacobian, output_ntk

from ..problems_for_tests import poisson

SMALL = {"strategy": "adam", "steps": 3, "points": 8}


def precision():
    return jax.config.jax_default_matmul_precision


@pytest.fixture
def model():
    """A network that notes the precision in which it is traced or called."""

    def apply(params, x):
        seen.add(precision())
        return jnp.tanh(x @ params["in"]) @ params["out"]

    seen = set[str | None]()
    init = lambda key: {"in": jnp.linspace(-1, 1, 5).reshape(1, 5), "out": jnp.ones((5, 1))}
    return (init, apply), seen


DOORS = {
    "fit": lambda model: fit(poisson(), model, **SMALL),
    "fit in single precision": lambda model: fit(poisson(), model, **SMALL, precision="single"),
    "diagnose": lambda model: pinnkit.diagnose(poisson(), model, points=8),
    "residual_ntk": lambda model: np.asarray(pinnkit.residual_ntk(poisson(), model, 8)),
    "training_spectrum": lambda model: pinnkit.training_spectrum(poisson(), model, 8),
    "compute_jacobian": lambda model: compute_jacobian(model, np.ones((3, 1))),
    "output_ntk": lambda model: output_ntk(model, np.ones((3, 1)), precision="single").matmat(np.ones((3, 2))),
    "NTKWrapper": lambda model: NTKWrapper(model).compute_ntk(np.ones((3, 1))),
}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_computes_in_full_precision_and_leaves_the_setting_as_it_was(name, model):
    given, seen = model
    with jax.default_matmul_precision("bfloat16"):
        DOORS[name](given)
        assert precision() == "bfloat16"
    assert "highest" in seen and seen <= {"highest", "bfloat16"}  # shapes may be asked for in any


def test_a_solution_is_evaluated_in_full_precision(model, tmp_path):
    given, seen = model
    solution = fit(poisson(), given, **SMALL)
    solution.save(tmp_path)
    for found in (solution, pinnkit.load(tmp_path, poisson(), given)):
        seen.clear()
        found._fields._function.clear_cache()
        found(x=np.linspace(0, 1, 7))
        assert seen == {"highest"}


class Precisions(Callback):
    def __init__(self):
        self.seen = []

    def progress(self, event):
        self.seen.append(precision())


def test_every_product_of_a_step_is_compiled_in_full_precision(monkeypatch):
    texts, as_text = [], jax.stages.Lowered.as_text
    monkeypatch.setattr(jax.stages.Lowered, "as_text", lambda self: texts.append(as_text(self)) or texts[-1])
    callback = Precisions()
    fit(poisson(), **SMALL, width=5, depth=2, precision="single", callbacks=[callback])
    products = [line for line in "\n".join(texts).splitlines() if "stablehlo.dot_general" in line]
    assert len(products) > 5
    assert all(re.search(r"precision = \[HIGHEST, HIGHEST\]", line) for line in products)
    assert set(callback.seen) == {"highest"}
