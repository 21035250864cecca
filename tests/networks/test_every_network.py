"""What holds for every network: derivatives, precision, the output layer, training, refusal of invalid arguments."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from pinnkit import (
    MLP,
    Box,
    Interval,
    ModifiedMLP,
    Periodic,
    PirateNet,
    SeparableNetwork,
    Siren,
    factorize_weights,
    fit,
)
from pinnkit._base.tracing.taylor import derivatives
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.linear_parameters import linear_leaves
from problems.elliptic.poisson_1d import poisson_1d

from .parameters import moved

BOX = Box(x=(-1.0, 1.0), y=(0.0, 2.0))
POINT = (0.3, 0.7)
EMBEDDINGS = {"x": Periodic(Interval(x=(-1.0, 1.0)), {"x": 2.0})}

NETWORKS = {
    "MLP, factorized": lambda domain, size: factorize_weights(MLP(domain, 1, size, 1)),
    "ModifiedMLP, factorized": lambda domain, size: factorize_weights(ModifiedMLP(domain, 1, size, 1)),
    "PirateNet": lambda domain, size: PirateNet(domain, 1, size, 1),
    "PirateNet, factorized": lambda domain, size: factorize_weights(PirateNet(domain, 1, size, 1)),
    "Siren": lambda domain, size: Siren(domain, 1, size, 2),
    "Siren, fixed frequency": lambda domain, size: Siren(domain, 1, size, 2, trained_frequency=False),
    "SeparableNetwork": lambda domain, size: SeparableNetwork(domain, 1, size, 1, rank=size),
    "SeparableNetwork, periodic": lambda domain, size: SeparableNetwork(domain, 1, size, 1, embeddings=EMBEDDINGS),
}
TRAINED = "PirateNet, factorized", "Siren", "SeparableNetwork"


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_finite_differences(name, x64):
    """In parameters and coordinates. Central differences with steps h have errors of h² and eps / h: h = eps^(1/3)."""
    functional = as_functional(moved(NETWORKS[name](BOX, 4)), 2)
    step = np.finfo(float).eps ** (1 / 3)
    arguments = functional.params, jnp.array(POINT)
    check_grads(jax.jit(functional.apply), arguments, order=1, modes=("rev",), atol=1e-8, rtol=1e-8, eps=step)


@pytest.mark.parametrize("name", NETWORKS)
def test_derivatives_up_to_the_third_are_those_of_an_interpolating_polynomial(name, x64):
    """Along a line; the polynomial meets the values at 31 Chebyshev points."""
    model = moved(NETWORKS[name](BOX, 4))
    direction, half = np.array([0.8, -0.6]), 0.4
    along = lambda s: np.asarray(jax.vmap(model)(jnp.array(POINT) + s[:, None] * direction))[:, 0]
    polynomial = np.polynomial.Chebyshev.interpolate(along, 30, (-half, half))
    wanted = [(m, n) for m, n in itertools.product(range(4), repeat=2) if m + n <= 3]
    found = jax.jit(lambda x: derivatives(model, x, wanted))(jnp.array(POINT))
    for order in range(4):
        mixed = [(m, order - m) for m in range(order + 1)]
        total = sum(math.comb(order, m) * direction[0] ** m * direction[1] ** n * found[m, n][0] for m, n in mixed)
        expected = polynomial.deriv(order)(0.0) if order else polynomial(0.0)
        np.testing.assert_allclose(total, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_precision_is_the_one_in_force(name):
    dtypes = lambda model: {leaf.dtype for leaf in jax.tree.leaves(as_functional(model, 2).params)}
    assert dtypes(NETWORKS[name](BOX, 4)) == {np.dtype(np.float32)}
    with jax.enable_x64(True):
        model = NETWORKS[name](BOX, 4)
        assert dtypes(model) == {np.dtype(np.float64)} and model(jnp.array(POINT)).dtype == np.float64


@pytest.mark.parametrize("name", NETWORKS)
def test_the_output_layer_is_found(name, x64):
    """Its weights, for fixed scales of them, and the bias."""
    functional = as_functional(NETWORKS[name](BOX, 4), 2)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(functional.params)]
    weight = ".direction" if "factorized" in name else ".weight"
    assert {paths[leaf] for leaf in linear_leaves(functional, 2)} == {f".head{weight}", ".head.bias"}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_gauss_newton_solves_a_poisson_equation(name):
    network = NETWORKS[name](poisson_1d.domain, 8)
    solution = fit(poisson_1d, network, "gauss-newton", steps=40, points=40, constraints="hard")
    assert solution.summary.relative_l2["u"] < 1e-5
    x = np.linspace(0, 1, 7)
    np.testing.assert_allclose(solution(x=x), np.sin(np.pi * x), atol=1e-5)
    assert type(solution.model) is type(network)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: PirateNet(3), TypeError, "the `domain` of a network is a `Box` or a shape such as a `Disk`, got int"),
        (lambda: PirateNet(BOX, blocks=0), ValueError, "`blocks` is a whole number ≥ 1, got 0"),
        (lambda: PirateNet(BOX, width=1.5), ValueError, "`width` is a whole number ≥ 1, got 1.5"),
        (lambda: PirateNet(BOX, embedding="x"), TypeError, "an `embedding` is for example"),
        (lambda: PirateNet(BOX, activation=3), TypeError, "an `activation` is a function"),
        (lambda: PirateNet(BOX, seed=-1), ValueError, "`seed` is a whole number ≥ 0"),
        (lambda: Siren(BOX, frequency=0.0), ValueError, "`frequency` is a finite number > 0, got 0.0"),
        (lambda: Siren(BOX, trained_frequency=1), ValueError, "`trained_frequency` is True or False, got 1"),
        (lambda: Siren(BOX, depth=0), ValueError, "`depth` is a whole number ≥ 1"),
        (lambda: Siren(3), TypeError, "the `domain` of a network is a `Box`"),
        (lambda: SeparableNetwork(3), TypeError, "the `domain` of a network is a `Box`"),
        (lambda: SeparableNetwork(BOX, outputs=0), ValueError, "`outputs` is a whole number ≥ 1"),
    ],
)
def test_invalid_arguments_are_refused(build, error, message, as_for_users):
    with pytest.raises(error, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)
