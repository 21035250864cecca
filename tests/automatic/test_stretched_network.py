"""Layers along coordinates of a box: networks in stretched coordinates, against closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Choices, Condition, Disk, Interval, Problem, dirichlet, initial, laplacian
from pinnkit._base.clock import Clock
from pinnkit.automatic.cost_model import CostModel
from pinnkit.automatic.feature_networks import FeatureNetworks
from pinnkit.automatic.length_scales import scales_of
from pinnkit.automatic.stretched_network import can_stretch
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.networks.random_features import SineFeatures
from pinnkit.networks.stretching import Bump, Stretching
from pinnkit.runs.decisions import SinesAroundCorners, StretchedCoordinates
from pinnkit.runs.limits import Limits
from pinnkit.runs.recorder import Recorder
from tests.problems_for_tests import poisson

line, square = Interval(x=(0.0, 1.0)), Box(x=(0.0, 1.0), y=(0.0, 1.0))
FEW = Choices(unknowns=(64,))


def advected(eps):
    """−ε u'' + u' = 1, u = 0 at both ends: a layer of width ε at x = 1."""
    return Problem(
        "advected",
        line,
        {"pde": Condition(lambda u: u.x - eps * u.xx - 1, on=line.interior), "ends": dirichlet(line.boundary())},
        reference=lambda x: x - (np.exp((x - 1) / eps) - np.exp(-1 / eps)) / (1 - np.exp(-1 / eps)),
    )


def interior_layer(eps):
    """ε u'' + 2 (x − a) u' = 0: a layer of width √ε at x = a, an error function."""
    a, error_function = 0.3, jax.scipy.special.erf
    exact = lambda x: error_function((x - a) / np.sqrt(eps))
    return Problem(
        "interior",
        line,
        {
            "pde": Condition(lambda u, x: eps * u.xx + 2 * (x - a) * u.x, on=line.interior),
            "ends": dirichlet(line.boundary(), exact),
        },
        reference=exact,
    )


box = Box(x=(0.0, 1.0), t=(0.0, 1.0))
timed = Problem("timed", box, {"pde": Condition(lambda u: u.t - u.xx, on=box.interior), "start": initial(box, 1.0)})


@pytest.fixture(scope="module")
def solution():
    return pinnkit.fit(advected(1e-3), choices=FEW, steps=20)


def stretched(solution):
    return [each for each in solution.history.decisions if isinstance(each, StretchedCoordinates)]


def test_a_layer_of_a_thousandth_is_resolved_by_64_sines(solution, tmp_path):
    """In coordinates as they are, networks of this width leave an error of 1."""
    assert solution.summary.relative_l2["u"] < 1e-4
    (decision,) = stretched(solution)
    assert decision.is_chosen and decision.without > 0.9
    assert min(abs(center - 1) for center, _ in decision.places) < 1e-3
    assert "stretched around x = 1 ±" in str(decision)
    loaded = pinnkit.load(solution.save(tmp_path / "run"), advected(1e-3))
    x = np.linspace(0, 1, 1001)
    np.testing.assert_array_equal(loaded(x=x), solution(x=x))


@pytest.mark.slow
def test_it_is_where_another_fit_starts(solution):
    warm = pinnkit.fit(advected(1.1e-3), choices=FEW, steps=1, start=solution)
    assert warm.run.config["bumps"] == solution.run.config["bumps"]
    assert warm.summary.relative_l2["u"] < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("eps", [1e-6, 1e-8])
def test_an_interior_layer_is_found_where_it_is(eps):
    solution = pinnkit.fit(interior_layer(eps), choices=Choices(unknowns=(128, 512)))
    assert solution.summary.relative_l2["u"] < 1e-6


@pytest.mark.slow
def test_a_layer_along_one_coordinate_of_a_square():
    eps = 1e-3
    profile = lambda x: x - (jnp.exp((x - 1) / eps) - jnp.exp(-1 / eps)) / (1 - jnp.exp(-1 / eps))
    source = lambda x, y: jnp.sin(jnp.pi * y) * (1 + eps * jnp.pi**2 * profile(x))
    problem = Problem(
        "plane",
        square,
        {
            "pde": Condition(lambda u, x, y: u.x - eps * laplacian(u) - source(x, y), on=square.interior),
            "walls": dirichlet(square.boundary()),
        },
        reference=lambda x, y: profile(x) * jnp.sin(jnp.pi * y),
    )
    assert pinnkit.fit(problem, budget=120.0).summary.relative_l2["u"] < 1e-6


def test_sines_take_stretched_coordinates():
    with jax.enable_x64(True):
        stretching = Stretching([False, False], [Bump(0, 0.5, 0.1)])
        random = np.random.default_rng(0).standard_normal((1, 50))
        filled = lambda network: eqx.tree_at(lambda n: n.head.weight, network, jnp.asarray(random))
        plain, moved = (filled(SineFeatures(square, 1, 50, 6.0, stretching=own)) for own in (None, stretching))
        x = jnp.array([0.7, 0.2])
        np.testing.assert_allclose(moved(x), plain((stretching(2 * x - 1) + 1) / 2), rtol=1e-12)


def test_weights_are_those_of_coordinates_as_they_are():
    """Second derivatives of a stretched network would outweigh soft conditions by far."""
    with jax.enable_x64(True):
        ansatz = find_ansatz(advected(1e-3), "soft")
        recorder = Recorder(ansatz.remaining.conditions, ("x",), Limits(None, None, None, Clock(0.0)), ())
        make = lambda bumps: FeatureNetworks(ansatz, 0, recorder, CostModel(), width=64, bumps=bumps)
        plain, stretched = make(None), make((Bump(0, 1.0, 1e-3),))
        assert set(plain._weights()) == {"pde", "ends"}
        assert stretched._weights() == stretched.stretched()._weights() == plain._weights()


@pytest.mark.parametrize(
    ("problem", "can"),
    [
        (advected(0.1), True),
        (poisson(), True),
        (timed, False),
        (Problem("disk", Disk(1.0), {"pde": Condition(lambda u: laplacian(u), on=Disk(1.0).interior)}), False),
    ],
)
def test_boxes_without_time_can_be_stretched(problem, can):
    assert can_stretch(find_ansatz(problem)) is can


def test_scales_of_a_layer_that_even_points_miss_are_found_on_stretched_lines():
    width = 1e-5
    values = lambda x: np.tanh((x - 0.5) / width)
    scale = lambda *bumps: scales_of(line, values, [0], [False], Stretching([False], bumps))
    (place,) = scale(Bump(0, 0.0, 1e-3), Bump(0, 0.0, 1e-5)).sharpest[:1]
    assert abs(place.center) < 2 * width
    assert width < place.width < 10 * width
    assert scale().smallest[0] > 10 * width


@pytest.mark.slow
def test_a_trial_of_sines_that_are_not_chosen_reserves_no_time(monkeypatch):
    """Sines around corners compile longer, and so does what would follow them."""
    reserving = list[FeatureNetworks]()
    reserve = FeatureNetworks.reserve
    monkeypatch.setattr(FeatureNetworks, "reserve", lambda self: (reserving.append(self), reserve(self))[1])
    problem = Problem(
        "layers",
        square,
        {
            "pde": Condition(lambda u: 0.01 * laplacian(u) - u.x + 1, on=square.interior),
            "walls": dirichlet(square.boundary()),
        },
    )
    solution = pinnkit.fit(problem, choices=Choices(unknowns=(150,)), steps=5)
    (decision,) = [each for each in solution.history.decisions if isinstance(each, SinesAroundCorners)]
    assert not decision.is_chosen
    assert reserving and not any(networks.is_sharp for networks in reserving)
