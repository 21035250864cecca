"""Functions that are singular at corners are harmonic and do not jump inside the domain."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Disk, Polygon, SineFeatures
from pinnkit.geometry.domain import AbstractDomain, Hole
from pinnkit.networks.singular_functions import Charge, Power, SingularFunctions, Singularity, lowest

pytestmark = pytest.mark.usefixtures("x64")

POWERS = (Power(2 / 3, 0.3), Power(2.0, 0.1, True), Power(8 / 3, -1.0))
L = Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)])
FRAME = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Box(x=(-0.3, 0.3), y=(-0.2, 0.4))


def around(domain: AbstractDomain, powers=POWERS, is_complete=True):
    return [Singularity(corner, powers, is_complete) for corner in domain.corners if corner.is_reentrant]


def points(domain, n):
    x = np.random.default_rng(0).uniform(domain.lower, domain.upper, (4 * n, 2))
    return jnp.asarray(x[domain.signed_distance(x) < -0.02][:n])


@pytest.mark.slow
@pytest.mark.parametrize("domain", [L, FRAME])
def test_functions_are_harmonic(domain):
    functions = SingularFunctions(domain, around(domain))
    hessians = jax.vmap(jax.hessian(functions))(points(domain, 50))
    scale = np.abs(hessians).max(axis=(2, 3))
    assert (np.abs(jnp.trace(hessians, axis1=2, axis2=3)) <= 1e-12 * (1 + scale)).all()


def test_functions_are_powers_of_a_complex_coordinate():
    """On the L, with the bisector at 135° and the largest distance √2."""
    x = points(L, 50)
    w = (x[:, 0] + 1j * x[:, 1]) * np.exp(-0.75j * np.pi)
    wanted = [np.exp(-0.3j) * (w / np.sqrt(2)) ** (2 / 3), np.exp(-0.1j) * w**2 / 2 * np.log(w / np.sqrt(2))]
    found = jax.vmap(SingularFunctions(L, around(L)))(x)
    np.testing.assert_allclose(found[:, :2], np.real(wanted).T, rtol=1e-13, atol=1e-14)
    assert np.isfinite(SingularFunctions(L, around(L))(jnp.zeros(2))).all()


def test_functions_do_not_jump_in_a_domain_around_a_hole():
    for number, corner in enumerate(c for c in FRAME.corners if c.is_reentrant):
        functions = SingularFunctions(FRAME, around(FRAME)[number : number + 1])
        back = np.array([np.cos(corner.bisector), np.sin(corner.bisector)])
        for distance in (1.01 * corner.behind, 1.3 * corner.behind):
            at = np.array(corner.vertex) - distance * back
            beside = [functions(jnp.asarray(at + side * np.array([-back[1], back[0]]))) for side in (1e-9, -1e-9)]
            np.testing.assert_allclose(*beside, atol=1e-7)
            assert np.abs(beside[0]).max() < 20


def test_sines_and_singular_functions_share_the_width():
    network = SineFeatures(L, width=100, singularities=around(L))
    assert network.singular is not None and network.singular.size == 3 and network.frequency.shape == (100, 2)
    assert not np.any(network.frequency[-3:]) and np.any(network.frequency[:-3])
    alone = eqx.tree_at(lambda n: n.head.weight, network, jnp.zeros((1, 100)).at[0, -3].set(1.0))
    x = jnp.array([-0.3, 0.4])
    np.testing.assert_allclose(alone(x)[0], network.singular(x)[0], rtol=1e-14)


def test_the_lowest_exponents_of_all_corners_are_kept():
    kept = lowest(around(FRAME), 12)
    assert [len(own.powers) for own in kept] == [2, 2, 1, 1]
    assert {power.exponent for own in kept for power in own.powers} == {2 / 3, 2.0}
    hole = Singularity(Hole((0.0, 0.0), 0.3), tuple(Power(-float(k), 0.0) for k in (1, 2, 3)), True)
    assert [own.powers[-1].exponent for own in lowest([hole, hole], 32)] == [-2.0, -2.0]


def test_products_with_smooth_factors_are_represented():
    """A power times a smooth function, by least squares at points inside, on others."""
    x = points(L, 1500)
    w = (x[:, 0] + 1j * x[:, 1]) * np.exp(-0.75j * np.pi)
    values = np.asarray((w ** (2 / 3)).real * jnp.exp(x[:, 0]) * jnp.cos(x[:, 1]) + jnp.sin(x[:, 0] + x[:, 1]))
    network = SineFeatures(
        L, width=300, bandwidth=3.0, singularities=around(L, (Power(2 / 3, 0.0), Power(2 / 3, 1.5)), False)
    )
    of_weights = lambda weights, x: eqx.tree_at(lambda n: n.head.weight, network, weights)(x)[0]
    features = np.asarray(jax.vmap(jax.grad(of_weights), (None, 0))(network.head.weight, x))[:, 0]
    coefficients, *_ = np.linalg.lstsq(features[:1000], values[:1000], rcond=1e-14)
    assert np.abs(features[1000:] @ coefficients - values[1000:]).max() < 1e-7


def test_multipoles_are_powers_around_the_center():
    hole = Hole((0.1, -0.2), 0.3)
    x = points(FRAME, 50)
    w = 0.3 / (x[:, 0] - 0.1 + 1j * (x[:, 1] + 0.2))
    singularity = Singularity(hole, (Power(0.0, 0.0, True), Power(-3.0, 0.0), Power(-3.0, np.pi / 2)), True)
    functions = SingularFunctions(FRAME, [singularity])
    wanted = np.stack([-np.log(np.abs(w)), (w**3).real, (w**3).imag], axis=-1)
    np.testing.assert_allclose(jax.vmap(functions)(x), wanted, rtol=1e-12, atol=1e-14)
    charge = SingularFunctions(FRAME, [Singularity(Charge((2.0, 0.0)), (Power(0.0, 0.0, True),), True)])
    distance = np.hypot(x[:, 0] - 2.0, x[:, 1])
    np.testing.assert_allclose(jax.vmap(charge)(x)[:, 0], np.log(distance / np.sqrt(10.0)), rtol=1e-12, atol=1e-14)
    left = jnp.array([[-0.5, -0.2]])  # on the line where angles jump
    assert np.isfinite(jax.vmap(jax.hessian(functions))(left)).all()


@pytest.mark.slow
def test_products_with_coordinates_are_biharmonic():
    domain = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.2, x=0.1, y=-0.2)
    powers = [Power(-2.0, 0.3), Power(-2.0, 0.3, factor="x"), Power(-2.0, 0.3, factor="y"), Power(0.0, 0.0, True, "x")]
    functions = SingularFunctions(domain, [Singularity(domain.holes[0], tuple(powers), True)])
    x = points(domain, 40)
    found = jax.vmap(functions)(x)
    scaled = (x - jnp.array([0.1, -0.2])) / 0.2
    np.testing.assert_allclose(found[:, 1:3], found[:, :1] * scaled, rtol=1e-12)
    np.testing.assert_allclose(found[:, 3], scaled[:, 0] * np.log(np.linalg.norm(scaled, axis=1)), rtol=1e-12)
    slopes, hessians = jax.vmap(jax.jacfwd(functions))(x), jax.vmap(jax.hessian(functions))(x)
    laplacians = jnp.trace(hessians, axis1=2, axis2=3)  # Δ(x h) = 2 ∂h/∂x, which is harmonic
    np.testing.assert_allclose(laplacians[:, 1:3], 2 * slopes[:, 0] / 0.2, atol=1e-10 * np.abs(hessians).max())
