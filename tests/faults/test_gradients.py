"""Derivatives of every network and every operator against finite differences, to second order, in double precision."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.test_util import check_grads

from pinnkit import (
    MLP,
    Box,
    Condition,
    FourierFeatures,
    FunctionalModel,
    ModifiedMLP,
    Periodic,
    PirateNet,
    Problem,
    Rescale,
    SeparableNetwork,
    SineFeatures,
    Siren,
    div,
    factorize_weights,
    grad,
    laplacian,
    partial,
)
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import cast
from pinnkit.residuals.functions import ResidualFunctions

pytestmark = pytest.mark.faults

BOX = Box(x=(-1.0, 1.0), y=(0.0, 2.0))

SMALL = {"width": 5, "seed": 3}

NETWORKS = {
    "MLP": lambda: MLP(BOX, depth=2, **SMALL),
    "MLP, one layer": lambda: MLP(BOX, depth=1, **SMALL),
    "MLP, sine": lambda: MLP(BOX, depth=2, activation=jnp.sin, **SMALL),
    "ModifiedMLP": lambda: ModifiedMLP(BOX, depth=2, **SMALL),
    "PirateNet": lambda: PirateNet(BOX, blocks=1, **SMALL),
    "PirateNet, factorized": lambda: factorize_weights(PirateNet(BOX, blocks=1, **SMALL)),
    "Siren": lambda: Siren(BOX, depth=2, **SMALL),
    "SeparableNetwork": lambda: SeparableNetwork(BOX, depth=1, rank=4, **SMALL),
    "SineFeatures": lambda: SineFeatures(BOX, 1, 6, 2.0),
    "SineFeatures, periodic": lambda: periodic_sines(),
    "Fourier features": lambda: MLP(BOX, depth=1, embedding=FourierFeatures(Rescale(BOX), 4, 1.0), **SMALL),
    "periodic embedding": lambda: MLP(BOX, depth=1, embedding=Periodic(BOX, {"x": 2.0}), **SMALL),
    "inside an ansatz": lambda: ansatz_model(),
}


OPERATORS = {
    "value": lambda u: u,
    "u_x": lambda u: u.x,
    "u_xy": lambda u: u.xy,
    "u_xxy": lambda u: u.xxy,
    "laplacian": lambda u: laplacian(u),
    "biharmonic": lambda u: laplacian(laplacian(u)),
    "grad": lambda u: grad(u),
    "div of a flux": lambda u, x: div((1 + x**2 + u.value**2) * grad(u)),
    "partial of an expression": lambda u, x: partial(jnp.exp(u.value) * u.x, "x"),
    "mixed partials": lambda u: partial(partial(u.value**2, "x"), "y"),
    "advection": lambda u: u.x + u * u.y,
    "elsewhere": lambda u, x, y: u(x=-x, y=y) - u,
    "variable coefficient": lambda u, x, nu: nu * x * u.xx + u**3,
}
"""By name, residuals in two coordinates."""


def assert_derivatives(function, *arguments):
    """Forward and reverse, first and second derivatives agree with central differences.

    With steps h these have errors of h² and eps / h: h = eps^(1/3) gives six digits.
    """
    step = np.finfo(float).eps ** (1 / 3)
    on_arrays = lambda *arguments: function(*jax.tree.map(jnp.asarray, arguments))
    check_grads(on_arrays, arguments, order=2, modes=("fwd", "rev"), atol=1e-5, rtol=1e-5, eps=step)


def periodic_sines():
    """With the frequencies along x as they are: they are whole, and not trained."""
    full = as_functional(SineFeatures(BOX, 1, 6, 2.0, periodic=("x",)), 2)
    whole = full.params.frequency
    trained = lambda params: eqx.tree_at(lambda p: p.frequency, full.params, whole.at[:, 1].set(params["along y"]))
    head = lambda params: eqx.tree_at(lambda p: p.head.weight, trained(params), params["head"])
    params = {"along y": whole[:, 1], "head": full.params.head.weight}
    return FunctionalModel(params, lambda params, x: full.apply(head(params), x), lambda params: params)


def ansatz_model():
    """With values at both ends of x and initial values as hard constraints."""
    conditions = {
        "pde": Condition(lambda u: u.y - u.xx, on=BOX.interior),
        "walls": Condition(lambda u, y: u - y, on=BOX.boundary("x")),
    }
    ansatz = find_ansatz(Problem("p", BOX, conditions), "hard", periodic=False)
    assert ansatz.face_values
    return ansatz.wrap(as_functional(MLP(BOX, depth=1, **SMALL), 2))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, x64):
    """In parameters and coordinates."""
    key = jr.key(3)
    functional = as_functional(NETWORKS[name](), 2)
    params = jax.tree.map(lambda leaf: leaf + 0.1 * jr.normal(key, leaf.shape), cast(functional.params, jnp.float64))
    assert_derivatives(functional.apply, params, jnp.array([0.3, 0.7]))


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name, x64):
    """Of residuals in the parameters of the network and in the unknown coefficient."""
    problem = Problem("p", BOX, {"c": Condition(OPERATORS[name], on=BOX.interior)}, coefficients={"nu": 0.5})
    functional = as_functional(MLP(BOX, width=4, depth=2, seed=1), 2)
    residuals = ResidualFunctions(problem, functional)
    params = residuals.initial_params(cast(functional.params, jnp.float64))
    point = jax.tree.map(lambda leaf: leaf[0], BOX.interior.points(jnp.array([[0.3, 0.6]])))
    assert_derivatives(lambda params: residuals.at_point("c")(params, point), params)
