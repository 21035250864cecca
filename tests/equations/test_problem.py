"""Problems as declared: what is accepted, what is refused and in which words."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Interval, PointSet, Problem, ProblemError, Unknown, partial

LINE = Interval(x=(0.0, 1.0))
PLANE = Box(x=(0.0, 1.0), t=(0.0, 1.0))


def problem(residual=lambda u: u, on=LINE.interior, **changes):
    declared = {"name": "p", "domain": LINE, "conditions": {"pde": Condition(residual, on=on)}}
    return Problem(**{**declared, **changes})


def test_equations_are_traced_when_the_problem_is_built():
    built = problem(lambda u, k: u.xx + k * u, coefficients={"k": 2})
    assert built.coefficients == {"k": 2.0}
    assert built.field_sizes == {"u": 1}


def test_arguments_with_unknown_names_keep_their_defaults():
    built = problem(lambda u, frequency=3.0: u.xx + frequency * u)
    assert built.coefficients == {} and built.field_sizes == {"u": 1}
    same, other = (problem(lambda u, k=k: u.xx + k * u) for k in (3.0, 2.0))
    texts = [each.equation("pde").text for each in (built, same, other)]
    assert texts[0] == texts[1] != texts[2]


def test_reference_takes_coordinates_and_coefficients_by_name():
    built = problem(coefficients={"k": 2.0}, reference=lambda x, k: k * x)
    np.testing.assert_array_equal(built.evaluate_reference(np.array([[1.0], [2.0]]))["u"], [2.0, 4.0])


def test_changed_coefficient_keeps_a_reference_that_takes_it_and_drops_one_that_does_not():
    kept = problem(coefficients={"k": 2.0}, reference=lambda x, k: k * x).with_coefficients(k=3.0)
    assert kept.evaluate_reference(np.array([[1.0]]))["u"][0] == 3.0
    dropped = problem(coefficients={"k": 2.0}, reference=lambda x: x).with_coefficients(k=3.0)
    assert dropped.reference is None
    same = problem(coefficients={"k": 2.0}, reference=lambda x: x).with_coefficients(k=2.0)
    assert same.reference is not None


def test_references_of_systems_are_dicts_or_sequences_in_the_order_of_fields():
    conditions = {"pde": Condition(lambda u, v: u - v[0], on=LINE.interior)}
    fields = {"u": 1, "v": 2}
    as_dict = problem(fields=fields, conditions=conditions, reference=lambda x: {"v": np.stack([x, x], -1)})
    assert as_dict.evaluate_reference(np.ones((3, 1)))["v"].shape == (3, 2)
    as_list = problem(fields=fields, conditions=conditions, reference=lambda x: (0.0, np.stack([x, x], -1)))
    assert as_list.evaluate_reference(np.ones((3, 1)))["u"].shape == (3,)


REFUSED = {
    "unknown argument": (
        lambda: problem(lambda u, w: u),
        r"'pde' of problem 'p'.*unknown argument 'w'.*'u', 'x'",
    ),
    "normal inside": (lambda: problem(lambda u, normal: u), "exists on boundaries only"),
    "unknown coordinate": (
        lambda: problem(lambda u: u.t),
        r"'pde' of problem 'p'.*no derivative 't'.*\['x'\]",
    ),
    "unknown coordinate of partial": (
        lambda: problem(lambda u: partial(u * u, "t")),
        "unknown coordinate 't'",
    ),
    "wrong shape": (lambda: problem(lambda u: u * jnp.ones((2, 2))), r"shape \(2, 2\)"),
    "nothing": (lambda: problem(lambda u: None), "returns NoneType"),
    "branch": (lambda: problem(lambda u: u if u > 0 else -u), "jnp.where"),
    "variadic": (lambda: problem(lambda *args: args[0]), "one by one"),
    "error inside": (
        lambda: problem(lambda u: 1 / 0 * u),
        r"'pde' of problem 'p': ZeroDivisionError: division by zero \(test_problem.py, line \d+\)",
    ),
    "not callable": (lambda: problem("u"), "is a function, got str"),
    "not a region": (lambda: problem(on="interior"), "holds on a region, got str"),
    "other domain": (lambda: problem(on=PLANE.interior), r"coordinates \['x', 't'\]"),
    "no conditions": (lambda: problem(conditions={}), "no conditions"),
    "bare function": (lambda: problem(conditions={"pde": lambda u: u}), "write `Condition"),
    "no fields": (lambda: problem(fields=()), "at least one field"),
    "a string of fields": (lambda: problem(fields="u"), r"write `fields=\('u',\)`"),
    "twice the same field": (lambda: problem(fields=("u", "u")), "must differ"),
    "no components": (lambda: problem(fields={"u": 0}), "components ≥ 1"),
    "field called like a coordinate": (lambda: problem(fields=("u", "x")), "both a coordinate and a field"),
    "not an identifier": (lambda: problem(fields=("u v",)), "usable as an argument"),
    "coefficient not finite": (lambda: problem(coefficients={"k": np.nan}), "'k' must be finite"),
    "coefficient infinite": (lambda: problem(coefficients={"k": float("inf")}), "'k' must be finite"),
    "coefficient of text": (lambda: problem(coefficients={"k": "1"}), "is a number"),
    "coefficient array": (lambda: problem(coefficients={"k": np.ones(2)}), "is a number"),
    "unknown not finite": (lambda: Unknown(np.inf), "finite number"),
    "unknown not positive": (lambda: Unknown(-1.0, positive=True), "positive number"),
    "reference with other arguments": (
        lambda: problem(reference=lambda y: y),
        r"unknown argument\(s\) \['y'\]",
    ),
    "no such coefficient": (lambda: problem().with_coefficients(k=1.0), r"no coefficient\(s\) \['k'\]"),
    "coefficient set to nan": (
        lambda: problem(coefficients={"k": 1.0}).with_coefficients(k=float("nan")),
        "must be finite",
    ),
    "name": (lambda: problem(name="a/b"), "letters, digits"),
    "no name": (lambda: problem(name=""), "needs a name"),
    "domain": (lambda: problem(domain="x"), "is a `Box` or a shape"),
    "column called like a coefficient": (
        lambda: problem(lambda u, k: u - k, on=PointSet({"x": [0.5]}, k=[5.0]), coefficients={"k": 1.0}),
        "'pde' of problem 'p' has a data column 'k' that shares its name with the coefficient; rename .*'k_measured'",
    ),
    "column called like an unknown coefficient": (
        lambda: problem(lambda u: u, on=PointSet({"x": [0.5]}, k=[5.0]), coefficients={"k": Unknown(1.0)}),
        "shares its name with the coefficient",
    ),
    "column called like a field": (
        lambda: problem(lambda u: u, on=PointSet({"x": [0.5]}, u=[5.0])),
        "shares its name with the field",
    ),
    "column called like the normal": (
        lambda: problem(lambda u: u, on=PointSet({"x": [0.5]}, normal=[5.0])),
        "shares its name with the outward normal",
    ),
    "column called like a keyword": (
        lambda: problem(lambda u: u, on=PointSet({"x": [0.5]}, **{"lambda": [5.0]})),
        "'lambda' cannot name a data column",
    ),
    "field called like a keyword": (lambda: problem(fields=("class",)), "'class' cannot name a field"),
    "coefficient called in another spelling": (
        lambda: problem(coefficients={"\u00b5": 1.0}),
        r"'\\xb5' cannot name a coefficient: Python reads it as '\\u03bc'",
    ),
    "derivative hidden by another name": (
        lambda: problem(domain=(box := Box(va=(0.0, 1.0), lue=(0.0, 1.0))), on=box.interior),
        r"\['va', 'lue'\]: the derivative `u.value` would be hidden",
    ),
    "coordinate that begins with an underscore": (
        lambda: problem(domain=(box := Box(_x=(0.0, 1.0))), on=box.interior),
        "`u._x` would be hidden",
    ),
    "fields that are none": (lambda: problem(fields=None), "`fields` is a tuple of names"),
    "fields without an order": (lambda: problem(fields={"u", "v"}), "`fields` is a tuple of names"),
    "column not there": (
        lambda: problem(lambda u, measured: u - measured, on=PointSet({"x": [0.5]}, observed=[1.0])),
        "unknown argument 'measured'.*'observed'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_in_one_line(name):
    declare, message = REFUSED[name]
    with pytest.raises(ProblemError, match=message) as caught:
        declare()
    assert "\n" not in str(caught.value)


def test_a_field_may_be_called_like_a_method_of_fields():
    built = problem(lambda d, value: d.x * value - value.d("x"), fields=("d", "value"))
    assert built.equation("pde").derivatives == {"d": ((1,),), "value": ((0,), (1,))}


def test_a_column_may_be_called_like_what_belongs_to_another_condition():
    conditions = {
        "pde": Condition(lambda u: u.x, on=LINE.interior),
        "first": Condition(lambda u, sample: u - sample, on=PointSet({"x": [0.5]}, sample=[5.0])),
        "second": Condition(lambda u, sample: u - sample, on=PointSet({"x": [0.7]}, sample=[5.0])),
    }
    assert set(problem(conditions=conditions).conditions) == set(conditions)


def test_reference_of_the_wrong_shape_is_refused():
    with pytest.raises(ProblemError, match=r"shape \(2,\) at 3 points"):
        problem(reference=lambda x: x[:2]).evaluate_reference(np.ones((3, 1)))


def test_a_reference_written_with_jax_numpy_has_double_precision():
    box = Box(x=(0.0, 1.0))
    conditions = {"pde": Condition(lambda u: u.xx, on=box.interior), "ends": Condition(lambda u: u, on=box.boundary())}
    problem = Problem(name="p", domain=box, conditions=conditions, reference=lambda x: jnp.exp(x) / 3)
    x = np.linspace(0, 1, 11)
    found = problem.evaluate_reference(x[:, None])
    assert found is not None and np.abs(found["u"] - np.exp(x) / 3).max() <= 4 * np.finfo(float).eps
