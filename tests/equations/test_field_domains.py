"""Fields on parts of the domain: how they are declared, checked and represented."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Disk, Interval, PointSet, Problem, ProblemError, dirichlet, interface, laplacian
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.equations.network import default_network_of
from pinnkit.equations.registry import find_problem
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.field_networks import FieldNetworks

LEFT, RIGHT = Interval(x=(0.0, 0.6)), Interval(x=(0.6, 1.0))
DISK = Disk(radius=0.5)
SQUARE = Box(x=(-1.0, 1.0), y=(-1.0, 1.0))
ROD, TIME = Box(x=(0.0, 1.0), t=(0.0, 2.0)), Interval(t=(0.0, 2.0))


def rod(fields=None, **conditions):
    usual = {
        "u": Condition(lambda u: u.xx, on=LEFT.interior),
        "v": Condition(lambda v: v.xx, on=RIGHT.interior),
        "contact": interface(LEFT.boundary(RIGHT), "u", "v"),
    }
    return Problem(name="rod", fields=fields or {"u": LEFT, "v": RIGHT}, conditions={**usual, **conditions})


def plate(outer, **conditions):
    usual = {
        "u": Condition(lambda u: laplacian(u), on=DISK.interior),
        "v": Condition(lambda v: laplacian(v), on=outer.interior),
    }
    return Problem(name="plate", fields={"u": DISK, "v": outer}, conditions={**usual, **conditions})


def melting(**conditions):
    usual = {"heat": Condition(lambda T, s: T.t - s * T.xx, on=ROD.interior)}
    return Problem(name="melting", fields={"T": ROD, "s": TIME}, conditions={**usual, **conditions})


def test_the_domain_of_a_problem_is_around_those_of_its_fields():
    assert repr(rod().domain) == "Box(x=(0, 1))" and rod().field_sizes == {"u": 1, "v": 1}
    assert repr(plate(SQUARE - DISK).domain) == "Box(x=(-1, 1), y=(-1, 1))"
    assert melting().domain is ROD
    front = melting(start=Condition(lambda s: s - 4.0, on=TIME.start()))
    assert repr(front).splitlines()[::2] == ["Problem 'melting' for T(x, t), s(t)", "  start: s − 4 = 0  at t = 0"]
    nu = {"nu": (0.1, 1.0)}
    parts = [box.over(parameters=nu) for box in (LEFT, RIGHT)]
    both = Problem(
        "p",
        fields={"u": parts[0], "v": (parts[1], 2)},
        conditions={
            "u": Condition(lambda u: u.x, on=parts[0].interior),
            "v": Condition(lambda v: v.x, on=parts[1].interior),
        },
    )
    assert both.domain.parameters == ("nu",) and both.field_sizes == {"u": 1, "v": 2}


def test_a_field_of_the_whole_domain_may_stand_beside_one_of_a_part():
    found = Problem(
        "flow",
        domain=SQUARE,
        fields={"T": 1, "w": (SQUARE - DISK, 2)},
        conditions={
            "heat": Condition(lambda T: laplacian(T), on=SQUARE.interior),
            "flow": Condition(lambda w, T: [w[0].x + w[1].y, T], on=(SQUARE - DISK).interior),
        },
    )
    assert found.field_domains.own["T"] is found.domain
    with pytest.raises(ProblemError, match="takes field 'w' outside its domain .*, as at x = "):
        Problem("flow", SQUARE, {"c": Condition(lambda w: w, on=SQUARE.interior)}, fields={"w": SQUARE - DISK})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: rod(fields={"u": LEFT, "v": Interval(x=(0.599, 1.0))}),
            "fields 'u' and 'v' of problem 'rod' overlap in part, as near x = 0.599; subtract one from the other",
        ),
        (
            lambda: plate(Box(x=(0.0, 2.0), y=(-1.0, 1.0))),
            "overlap in part, as near x = .*; subtract one from the other",
        ),
        (
            lambda: plate(SQUARE, contact=interface(DISK.boundary(), "u", "v")),
            "condition 'contact' .* lies inside the domain of 'v' at x = .*; subtract one domain from the other",
        ),
        (
            lambda: rod(contact=interface(LEFT.lower_face("x"), "u", "v")),
            r"'contact' of problem 'rod' takes field 'v' outside its domain Box\(x=\(0.6, 1\)\), as at x = 0$",
        ),
        (
            lambda: rod(at=Condition(lambda u: u, on=PointSet({"x": [0.5, 0.7]}))),
            "outside its domain .*, as at x = 0.7",
        ),
        (lambda: rod(fields={"u": LEFT, "v": RIGHT, "w": RIGHT}), "no condition of problem 'rod' takes field 'w'"),
        (lambda: rod(fields={"u": LEFT, "v": 1}), "problem 'rod' has no domain, and nor has field 'v'; give `domain=`"),
        (lambda: rod(fields={"u": LEFT, "v": (RIGHT, 0)}), "field 'v' has a number of components ≥ 1, got 0"),
        (lambda: rod(fields={"u": LEFT, "v": (1, 2)}), "field 'v' has a domain and a number of components"),
        (lambda: rod(fields={"u": LEFT, "v": Interval(y=(0.0, 1.0))}), "in the same order"),
        (
            lambda: Problem("p", ROD, {"c": Condition(lambda u: u, on=ROD.start())}, fields={"u": LEFT, "w": DISK}),
            r"field 'w' of problem 'p' lives on a domain with coordinates \['x', 'y'\]; they must be among",
        ),
        (
            lambda: Problem("p", LEFT, {"c": Condition(lambda u: u, on=LEFT.interior)}, fields={"u": RIGHT}),
            "leaves the domain",
        ),
        (
            lambda: melting(start=Condition(lambda T, s: s - T, on=TIME.start())),
            r"condition 'start' of problem 'melting' holds on a region with coordinates \['t'\], but depends on x too",
        ),
        (lambda: Problem("p"), "problem 'p' has no domain"),
    ],
)
def test_what_does_not_fit_together_is_refused(build, message):
    with pytest.raises(ProblemError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_the_reference_is_nan_outside_the_domain_of_a_field():
    problem = find_problem("layered_rod")
    x = np.array([[0.0], [0.6], [0.9]])
    found = problem.evaluate_reference(x)
    assert np.isnan(found["T_left"]).tolist() == [False, False, True]
    assert np.isnan(found["T_right"]).tolist() == [True, False, False]
    assert set(problem.evaluate_reference(x[:1])) == {"T_left", "T_right"}  # all NaN is no mistake where no point lies


@pytest.mark.usefixtures("x64")
def test_each_domain_has_its_own_network():
    network = default_network_of(plate(SQUARE - DISK), width=4, depth=1)
    assert isinstance(network, FieldNetworks) and [len(axes) for axes in network.axes] == [2, 2]
    x = jnp.array([0.3, -0.2])
    expected = [float(each(x)[0]) for each in network.networks]
    assert network(x).tolist() == pytest.approx(expected)
    assert not isinstance(default_network_of(find_problem("layered_wall")), FieldNetworks)
    front = as_functional(default_network_of(melting(), width=4, depth=1), 2)
    slope = jax.jacfwd(lambda x: front.apply(front.params, x))(x)
    assert slope[1, 0] == 0 and slope[1, 1] != 0  # s does not depend on x


@pytest.mark.usefixtures("x64")
def test_outputs_are_those_of_the_fields_in_their_order():
    """Fields that share a domain share a network, also with a field of another domain between them."""
    conditions = {
        "ab": Condition(lambda a, b: [a.x, b[0].x], on=LEFT.interior),
        "c": Condition(lambda c: c.x, on=RIGHT.interior),
    }
    problem = Problem("p", fields={"a": LEFT, "c": RIGHT, "b": (LEFT, 2)}, conditions=conditions)
    network = default_network_of(problem, width=3, depth=1)
    first, second = (each(jnp.array([0.4])) for each in network.networks)
    assert network(jnp.array([0.4])).tolist() == [first[0], second[0], first[1], first[2]]


@pytest.mark.usefixtures("x64")
def test_hard_constraints_hold_on_the_boxes_of_fields():
    problem = rod(cold=dirichlet(LEFT.lower_face("x"), 2.0, "u"), hot=dirichlet(RIGHT.lower_face("x"), 3.0, "v"))
    ansatz = find_ansatz(problem)
    assert ansatz.conditions == ("cold", "hot")
    model = ansatz.wrap(as_functional(default_network_of(problem, seed=3), 1))
    at = lambda x: model.apply(model.params, jnp.array([x])).tolist()
    assert at(0.0)[0] == 2.0 and at(0.6)[1] == 3.0 and at(0.6)[0] != 2.0


@pytest.mark.usefixtures("x64")
def test_fields_side_by_side_have_a_common_period_and_hard_constraints():
    low, high = Box(x=(0.0, 2.0), y=(0.0, 0.5)), Box(x=(0.0, 2.0), y=(0.5, 1.0))
    conditions = {
        "u": Condition(lambda u: u.xx + u.yy, on=low.interior),
        "v": Condition(lambda v: v.xx + v.yy, on=high.interior),
        "u periodic": Condition(lambda u: [u - u(x=2.0), u.x - u(x=2.0).x], on=low.lower_face("x")),
        "v periodic": Condition(lambda v: [v - v(x=2.0), v.x - v(x=2.0).x], on=high.lower_face("x")),
        "bottom": dirichlet(low.lower_face("y"), lambda x: jnp.sin(jnp.pi * x), "u"),
        "top": dirichlet(high.upper_face("y"), 1.0, "v"),
        "contact": interface(low.boundary(high), "u", "v", 1.0, 3.0),
    }
    problem = Problem("layers", fields={"u": low, "v": high}, conditions=conditions)
    ansatz = find_ansatz(problem)
    assert ansatz.conditions == ("u periodic", "v periodic", "bottom", "top") and ansatz.periods == {"x": 2.0}
    model = feature_model(ansatz, 8, 4.0, 0)
    params = jax.tree.map(lambda leaf: leaf if leaf.any() else leaf + 1, model.params)  # output layers of ones
    values = lambda x, y: model.apply(params, jnp.array([x, y]))
    np.testing.assert_allclose(values(0.3, 0.0)[0], np.sin(0.3 * np.pi), atol=1e-14)
    np.testing.assert_allclose(values(0.0, 0.7), values(2.0, 0.7), atol=1e-13)
    assert values(1.0, 1.0)[1] == 1.0


@pytest.mark.usefixtures("x64")
def test_values_of_two_fields_are_not_prescribed_on_one_of_their_boxes():
    """`v = 1` at the right end of u's box is at the left end of v's."""
    problem = rod(contact=Condition(lambda u, v: [u - 2.0, v - 1.0], on=LEFT.boundary(RIGHT)))
    assert find_ansatz(problem).conditions == ()


@pytest.mark.usefixtures("x64")
def test_initial_values_of_a_field_of_time_are_hard_constraints():
    problem = melting(
        start=Condition(lambda s: s - 4.0, on=TIME.start()), rate=Condition(lambda s: s.t, on=TIME.interior)
    )
    ansatz = find_ansatz(problem)
    model = ansatz.wrap(as_functional(default_network_of(problem), 2))
    assert ansatz.conditions == ("start",)
    assert model.apply(model.params, jnp.array([0.3, 0.0]))[1] == 4.0


@pytest.mark.usefixtures("x64")
def test_sines_around_a_hole_are_finite_where_another_field_fills_it():
    ansatz = find_ansatz(plate(SQUARE - DISK))
    model = feature_model(ansatz, 16, 3.0, 0)
    hessian = jax.hessian(lambda params, x: model.apply(params, x).sum(), argnums=1)
    assert np.isfinite(jax.tree.leaves(jax.jacrev(hessian)(model.params, jnp.zeros(2)))[0]).all()


@pytest.mark.usefixtures("x64")
def test_the_output_layers_of_all_networks_are_solved_for_together():
    ends = {"cold": dirichlet(LEFT.lower_face("x"), 2.0, "u"), "hot": dirichlet(RIGHT.upper_face("x"), 3.0, "v")}
    ansatz = find_ansatz(rod(**ends), "soft")
    solver = FeatureSolver(ansatz.problem, lambda bandwidth: feature_model(ansatz, 24, bandwidth, 0), 0)
    assert solver.layer.is_linear and solver.layer.size == 2 * 25
    found = solver.solve(solver.params((2.0,)), 1).params["network"]
    u, v = solver.model.apply(found, jnp.array([0.6]))
    assert u == pytest.approx(2.6, abs=1e-9) and v == pytest.approx(2.6, abs=1e-9)


def test_what_holds_on_whole_domains_only_is_left_out_for_parts():
    """Edges where conditions do not fit together are those of one domain; words and noise belong to each part."""
    cold = Box(x=(0.0, 1.0), t=(0.0, 1.0), units={"x": "m"})
    time = Interval(t=(0.0, 1.0), labels={"t": "elapsed"})
    heat = {
        "heat": Condition(lambda u: u.t - u.xx, on=cold.interior),
        "start": Condition(lambda u: u, on=cold.start()),
        "ends": Condition(lambda u: u - 1.0, on=cold.boundary()),
    }
    whole = find_ansatz(Problem(name="whole", domain=cold, conditions=heat))
    assert len(whole.edges) == 2
    beside = {
        "growth": Condition(lambda s: s.t - 1.0, on=time.interior),
        "seen": Condition(lambda s, m: s - m, on=PointSet({"t": [0.0, 0.5, 1.0]}, m=[0.0, 0.5, 1.0]), sigma=0.1),
    }
    problem = Problem(name="parts", fields={"u": cold, "s": time}, conditions={**heat, **beside})
    ansatz = find_ansatz(problem)
    assert (ansatz.edges, ansatz.with_edges, ansatz.singularities) == ((), None, ())
    assert problem.titles == {"x": "x (m)", "t": "elapsed t"}
    assert problem.measured["seen"].sigma == 0.1
