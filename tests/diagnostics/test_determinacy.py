"""Freedoms and distances of exact solutions, which are known in closed form; no network is trained for them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, FunctionalModel, Interval, PointSet, Problem, Unknown, div, fit, grad
from pinnkit.diagnostics.examination import examine
from pinnkit.diagnostics.perturbation import family_of
from pinnkit.equations.exact.ansatz import Ansatz, find_ansatz
from pinnkit.runs.decisions import Unexamined

pytestmark = pytest.mark.usefixtures("x64")

X, T = Interval(x=(0.0, 1.0)), Interval(t=(0.0, 1.0))
SQUARE, PLANE = Box(x=(0.0, 1.0), y=(0.0, 1.0)), Box(x=(0.0, 1.0), t=(0.0, 1.0))
WALLS = Condition(lambda u: u, on=X.boundary("x"))
PI = np.pi


def problem(domain, conditions, **options):
    return Problem(name="p", domain=domain, conditions=conditions, **options)


def examined(declared, solution, *, exact=False, unknown=(), is_own=False):
    """The examination of a solution in closed form; conditions stay in the loss, or are built in where they can be."""
    ansatz = find_ansatz(declared) if exact else Ansatz(declared)
    model = FunctionalModel({"one": jnp.ones(())}, lambda p, x: p["one"] * jnp.stack(solution(*x)), lambda p: p)
    raw = {name: jnp.asarray(value) for name, value in unknown}
    params = {"coefficients": raw, "network": model.params}
    return examine(ansatz, model, params, dict.fromkeys(declared.conditions, 1.0), 7, is_own)


def neumann():
    conditions = {
        "pde": Condition(lambda u, x: u.xx + PI**2 * jnp.cos(PI * x), on=X.interior),
        "flux": Condition(lambda u: u.x, on=X.boundary("x")),
    }
    return problem(X, conditions), lambda x: [jnp.cos(PI * x) + 0.3]


def oscillator():
    line = Interval(x=(PI / 2, PI))
    conditions = {
        "ode": Condition(lambda y1, y2: [y1.x - y2, y2.x + y1], on=line.interior),
        "left": Condition(lambda y1: y1 - 1.0, on=line.lower_face("x")),
        "right": Condition(lambda y2: y2 + 1.0, on=line.upper_face("x")),
    }
    return problem(line, conditions, fields=("y1", "y2")), lambda x: [jnp.sin(x), jnp.cos(x)]


def without_boundary():
    return problem(X, {"pde": Condition(lambda u: u.xx - 1.0, on=X.interior)}), lambda x: [x**2 / 2]


def resonance():
    pde = Condition(lambda u, x: u.xx + 9 * PI**2 * u - 5 * PI**2 * jnp.sin(2 * PI * x), on=X.interior)
    return problem(X, {"pde": pde, "walls": WALLS}), lambda x: [jnp.sin(2 * PI * x)]


def growth_without_start():
    return problem(X, {"ode": Condition(lambda u: u.x - 2 * u, on=X.interior)}), lambda x: [jnp.exp(2 * x)]


def pressure():
    def momentum(v, p, y):
        laplacian = jnp.stack([c.xx.value + c.yy.value for c in v])
        return -laplacian + grad(p) - jnp.stack([3.0, 0 * y])

    conditions = {
        "momentum": Condition(momentum, on=SQUARE.interior),
        "mass": Condition(lambda v: div(v), on=SQUARE.interior),
        "walls": Condition(lambda v, y: [v[0] - y * (1 - y), v[1]], on=SQUARE.boundary()),
    }
    return problem(SQUARE, conditions, fields={"v": 2, "p": 1}), lambda x, y: [y * (1 - y), 0 * y, x]


def only_along_x():
    pde = Condition(lambda u, x: u.x - jnp.cos(x), on=SQUARE.interior)
    return problem(SQUARE, {"pde": pde}), lambda x, y: [jnp.sin(x) + y**2]


def only_the_sum():
    pde = Condition(lambda a, b, x: a + b - x, on=X.interior)
    return problem(X, {"pde": pde}, fields=("a", "b")), lambda x: [x**2, x - x**2]


def heat_without_start():
    conditions = {
        "pde": Condition(lambda u: u.t - 0.1 * u.xx, on=PLANE.interior),
        "walls": Condition(lambda u: u, on=PLANE.boundary("x")),
    }
    return problem(PLANE, conditions), lambda x, t: [jnp.exp(-0.1 * PI**2 * t) * jnp.sin(PI * x)]


def wave_without_velocity():
    conditions = {
        "pde": Condition(lambda u: u.tt - u.xx, on=PLANE.interior),
        "start": Condition(lambda u, x: u - jnp.sin(PI * x), on=PLANE.start()),
        "walls": Condition(lambda u: u, on=PLANE.boundary("x")),
    }
    return problem(PLANE, conditions), lambda x, t: [jnp.sin(PI * x) * jnp.cos(PI * t)]


def one_end():
    conditions = {
        "pde": Condition(lambda u: u.xx - 2.0, on=X.interior),
        "left": Condition(lambda u: u, on=X.lower_face("x")),
    }
    return problem(X, conditions), lambda x: [x**2]


def other_end():
    conditions = {
        "pde": Condition(lambda u: u.xx - 2.0, on=X.interior),
        "right": Condition(lambda u: u - 1.0, on=X.upper_face("x")),
    }
    return problem(X, conditions), lambda x: [x**2]


FREE = {
    one_end: ["c·x can be added to u"],
    other_end: ["c·(1 − x) can be added to u"],
    neumann: ["a constant can be added to u"],
    oscillator: ["c·cos(x) can be added to y1 together with −c·sin(x) to y2"],
    without_boundary: ["c₀ + c₁ x (any c₀, c₁) can be added to u"],
    resonance: ["c·sin(3πx) can be added to u"],
    growth_without_start: ["c·exp(2x) can be added to u"],
    pressure: ["a constant can be added to p"],
    only_along_x: ["any function of y can be added to u"],
}


@pytest.mark.parametrize("declared", FREE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("exact", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["soft", "exact"])
def test_a_freedom_is_found_and_named(declared, exact):
    assert examined(*declared(), exact=exact).freedoms == FREE[declared]


@pytest.mark.parametrize("declared", [only_the_sum, heat_without_start, wave_without_velocity])
def test_whole_families_of_freedoms_are_found(declared):
    (phrase,) = examined(*declared()).freedoms
    assert "independent" in phrase and "near x = " in phrase


def rate(equation, unknown):
    x = np.linspace(0, 1, 20)
    conditions = {
        "ode": Condition(equation, on=X.interior),
        "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x}, sample=np.exp(-2 * x))),
    }
    return problem(X, conditions, coefficients=unknown), lambda x: [jnp.exp(-2 * x)]


@pytest.mark.parametrize("positive", [False, True])
def test_coefficients_of_which_only_the_product_counts_are_found(positive):
    """The freedom is a curve, a b = 2, unless logarithms are trained."""
    unknown = {name: Unknown(1.0, positive=positive) for name in "ab"}
    a, b = (np.log(1.0), np.log(2.0)) if positive else (1.0, 2.0)
    declared, solution = rate(lambda u, a, b: u.x + a * b * u, unknown)
    (phrase,) = examined(declared, solution, unknown=[("a", a), ("b", b)]).freedoms
    assert phrase == "a and b can change without effect, one up and the other down"


def test_a_coefficient_without_effect_is_found():
    declared, solution = rate(lambda u, k, q: u.x + k * u + 0 * q, {"k": Unknown(2.0), "q": Unknown(1.0)})
    assert examined(declared, solution, unknown=[("k", 2.0), ("q", 1.0)]).freedoms == ["q can take any value"]


def layer(eps):
    pde = Condition(lambda u: eps * u.xx + u.x - 1.0, on=X.interior)
    solution = lambda x: [x - 1 + (jnp.exp(-x / eps) - np.exp(-1 / eps)) / (1 - np.exp(-1 / eps))]
    return problem(X, {"pde": pde, "walls": WALLS}), solution


def stiff(k):
    ode = Condition(lambda y, t: y.t + k * (y - jnp.cos(t)) + jnp.sin(t), on=T.interior)
    conditions = {"ode": ode, "start": Condition(lambda y: y - 1.0, on=T.start())}
    return problem(T, conditions, fields=("y",)), lambda t: [jnp.cos(t)]


def exchange(k):
    """a and b are the same up to 1/k at once; their sum is determined by what is 1/k of the terms."""
    ode = Condition(lambda a, b, t: [a.t - k * (b - a), b.t - k * (a - b) - 1.0], on=T.interior)
    start = Condition(lambda a, b: [a, b - 0.5 / k], on=T.start())
    return problem(T, {"ode": ode, "start": start}, fields=("a", "b")), lambda t: [t / 2, t / 2 + 0.5 / k]


def growth(k):
    conditions = {
        "ode": Condition(lambda y: y.t - k * y, on=T.interior),
        "start": Condition(lambda y: y - 1.0, on=T.start()),
    }
    return problem(T, conditions, fields=("y",)), lambda t: [jnp.exp(k * t)]


def beam():
    conditions = {
        "pde": Condition(lambda u: u.xxxx - 24.0, on=X.interior),
        "clamped": Condition(lambda u: [u, u.x], on=X.lower_face("x")),
        "free": Condition(lambda u: [u.xx, u.xxx], on=X.upper_face("x")),
    }
    return problem(X, conditions), lambda x: [x**4 - 4 * x**3 + 6 * x**2]


def double_root():
    return problem(X, {"pde": Condition(lambda u, x: (u - x) ** 2, on=X.interior)}), lambda x: [x]


def pitchfork():
    """u'' + π² u = u³ has u = 0 alone with these walls, though sin πx solves the linearised equation."""
    pde = Condition(lambda u: u.xx + PI**2 * u - PI**2 * u**3, on=X.interior)
    return problem(X, {"pde": pde, "walls": WALLS}), lambda x: [0 * x]


def weak_exchange():
    pde = Condition(lambda u, x: u.xx + PI**2 * jnp.sin(PI * x), on=X.interior)
    robin = Condition(lambda u, normal: normal[0] * u.x + 1e-3 * (u - 1.0) + PI, on=X.boundary("x"))
    return problem(X, {"pde": pde, "robin": robin}), lambda x: [jnp.sin(PI * x) + 1.0]


def with_pinned(make, **condition):
    declared, solution = make()
    return problem(declared.domain, {**declared.conditions, **condition}, fields=declared.field_sizes), solution


def pinned_pressure():
    return with_pinned(pressure, face_value=Condition(lambda p: p, on=PointSet({"x": [0.0], "y": [0.0]})))


def pinned_neumann():
    return with_pinned(neumann, face_value=Condition(lambda u: u - 1.3, on=PointSet({"x": [0.0]})))


def complete_wave():
    return with_pinned(wave_without_velocity, velocity=Condition(lambda u: u.t, on=PLANE.start()))


def complete_heat():
    return with_pinned(heat_without_start, start=Condition(lambda u, x: u - jnp.sin(PI * x), on=PLANE.start()))


HEALTHY = [
    *(lambda eps=eps: layer(eps) for eps in (1e-1, 1e-2, 1e-3)),
    *(lambda k=k: stiff(k) for k in (10.0, 1e3, 1e6)),
    *(lambda k=k: growth(k) for k in (1.0, 5.0, 10.0)),
    *(lambda k=k: exchange(k) for k in (1e3, 1e8)),
    beam, double_root, pitchfork, weak_exchange, pinned_pressure, pinned_neumann, complete_wave, complete_heat,
]  # fmt: skip


@pytest.mark.parametrize(
    "number", [n if n % 4 == 3 else pytest.param(n, marks=pytest.mark.slow) for n in range(len(HEALTHY))]
)
def test_determined_problems_have_no_freedom(number):
    assert examined(*HEALTHY[number]()).freedoms == []


@pytest.mark.parametrize("exact", [False, True], ids=["soft", "exact"])
@pytest.mark.parametrize("error", [1e-8, 1e-3, 0.2])
def test_the_distance_is_the_error_of_a_smooth_mistake(error, exact):
    """u = sin πx + e sin 2πx for −u'' = π² sin πx: the error over the spread of u is known."""
    pde = Condition(lambda u, x: -u.xx - PI**2 * jnp.sin(PI * x), on=X.interior)
    solution = lambda x: [jnp.sin(PI * x) + error * jnp.sin(2 * PI * x)]
    x = np.linspace(0, 1, 10_001)
    spread = np.std(np.sin(PI * x) + error * np.sin(2 * PI * x))
    found = examined(problem(X, {"pde": pde, "walls": WALLS}), solution, exact=exact)
    assert found.distance["u"] == pytest.approx(error / np.sqrt(2) / spread, rel=1e-2)


def test_the_distance_sees_what_residuals_beside_large_terms_do_not():
    """Two fields exchange at the rate k and rise by 1 together; rising by 1.4 leaves 1e-6 of the terms."""
    k = 1e6
    declared, right = exchange(k)
    assert max(examined(declared, right).distance.values()) < 1e-6
    distance = examined(declared, lambda t: [1.4 * t / 2, 1.4 * t / 2 + 0.5 / k]).distance
    assert distance["a"] == pytest.approx(0.4 / 1.4 * np.sqrt(1 / 3) / np.sqrt(1 / 12), rel=1e-2)


def test_a_model_with_conditions_of_its_own_is_not_free_where_it_cannot_go():
    """u' = 1 without a start: free, unless the model that was handed in is zero at the start."""
    declared = problem(X, {"ode": Condition(lambda u: u.x - 1.0, on=X.interior)})
    powers = lambda first: FunctionalModel(
        jnp.eye(4)[1 - first], lambda c, x: jnp.sum(c * x ** jnp.arange(first, first + 4))[None], lambda c: c
    )
    for first, freedoms in ((0, ["a constant can be added to u"]), (1, [])):
        model = powers(first)
        params = {"coefficients": {}, "network": model.params}
        assert examine(Ansatz(declared), model, params, {"ode": 1.0}, 7, is_own=True).freedoms == freedoms


@pytest.mark.parametrize("axes", [1, 2, 3, 6])
@pytest.mark.parametrize("periodic", [frozenset(), frozenset({0})])
def test_the_family_is_orthonormal(axes, periodic):
    box = Box(**{f"x{i}": (-1.0, 2.0 + i) for i in range(axes)})
    family = family_of(box, periodic, 1)
    assert (np.diff(family.degrees) >= 0).all() and len(family) <= 240
    nodes, weights = np.polynomial.legendre.leggauss(100)
    pairs = np.random.default_rng(0).integers(0, len(family), (20, 2))
    for i, j in [*pairs, (0, 0)]:
        product = 1.0
        for axis in range(axes):
            low, high = box.lower[axis], box.upper[axis]
            middle = np.tile((box.lower + box.upper) / 2, (100, 1))
            middle[:, axis] = low + (high - low) * (nodes + 1) / 2
            alone = np.zeros((2, axes), int)
            alone[:, axis] = family.indices[[i, j], axis]
            values = jax.vmap(type(family)(box, periodic, alone))(jnp.asarray(middle))
            product *= weights @ (values[:, 0] * values[:, 1]) / 2
        assert product == pytest.approx(float(i == j or (family.indices[i] == family.indices[j]).all()), abs=1e-12)


def test_a_fit_says_what_is_not_determined():
    solution = fit(neumann()[0])
    assert solution.summary.determinacy.freedoms == ["a constant can be added to u"]
    assert solution.report.verdict.startswith("Not determined: a constant can be added to u")
    (finding,) = [f for f in solution.report.findings if f.severity == "problem"]
    assert "a constant is added to u" in finding.reason


def test_what_there_is_no_time_for_is_said_not_to_be_examined():
    solution = fit(neumann()[0], budget=0.5)
    assert solution.summary.determinacy is None
    assert "not checked" in solution.report.verdict
    assert any(isinstance(decision, Unexamined) for decision in solution.history.decisions)
