"""Units and labels: checked, shown, and never computed with."""

import jax
import msgspec
import pytest

from pinnkit import Box, Condition, InputError, Problem, ProblemError
from pinnkit.equations.formulas.rendering import Text
from pinnkit.equations.terms import RowTerms
from pinnkit.report import Report, tables
from pinnkit.runs.declaration import Declaration
from pinnkit.runs.grid_fields import pack_grid_fields, unpack_grid_fields
from pinnkit.solution.pictures import draw
from pinnkit.solution.slices import slices

from ..report.synthetic import make_check, make_grid_fields, make_run

ROD = Box(x=(0.0, 0.5), t=(0.0, 6.0), units={"x": "m", "t": "h"}, labels={"x": "position"})


def rod(**changes):
    conditions = {
        "heat": Condition(lambda T, c, k: c * T.t - k * T.xx, on=ROD.interior),
        "air": Condition(lambda T, k: k * T.x + 2 * (T - 20), on=ROD.upper_face("x")),
    }
    given = {"units": {"T": "K", "k": "W/(m K)"}, "labels": {"T": "temperature"}, **changes}
    return Problem("rod", ROD, conditions, fields=("T",), coefficients={"c": 3.0, "k": 45.0}, **given)


def test_those_of_the_domain_are_added():
    assert rod().titles == {"x": "position x (m)", "t": "t (h)", "T": "temperature T (K)", "k": "k (W/(m K))"}
    assert repr(ROD.over(z=(0.0, 1.0))) == (
        "Box(x=(0, 0.5), t=(0, 6), z=(0, 1), units={'x': 'm', 't': 'h'}, labels={'x': 'position'})"
    )
    assert "k = 45 W/(m K)" in repr(rod()).splitlines()[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": {"S": "K"}}, r"`units` of problem 'rod' has unknown name\(s\) \['S'\]; there are \['x', 't', 'T'"),
        ({"labels": {"T": ""}}, "`labels` of 'T' in problem 'rod' is printable text, got ''"),
        ({"units": {"T": 5}}, "`units` of 'T' in problem 'rod' is printable text, got 5"),
        ({"units": "K"}, "`units` of problem 'rod' is a mapping"),
    ],
)
def test_invalid_words_are_refused(changes, message):
    with pytest.raises(ProblemError, match=message):
        rod(**changes)


def test_a_box_refuses_words_for_what_is_no_coordinate():
    with pytest.raises(InputError, match=r"`units` of a box has words for its coordinates \['x'\]"):
        Box(x=(0.0, 1.0), units={"y": "m"})


def test_a_page_has_units_in_its_problem_tables_and_pictures():
    declared, snapshot = Declaration.of(rod()), make_grid_fields(("x", "t"), (("T", 1),))
    snapshot.titles.update(rod().titles)
    assert unpack_grid_fields(pack_grid_fields(snapshot)).titles == rod().titles
    figures = {"relative_l2": {"T": 1e-4}, "max_error": {"T": 0.25}, "coefficients": {"k": 45.0}}
    run = make_run(
        declared=declared, snapshot=snapshot, conditions={"pde": make_check(), "walls": make_check()}, **figures
    )
    page = Report(run).html()
    assert "temperature T(x, t) in K" in page and "k = 45 W/(m K)" in page
    assert "position x (m)" in page[page.index("<svg") :] and "temperature T (K)" in page[page.index("<svg") :]
    assert tables.error_table(run).rows[0][3] == "0.250 K"
    assert tables.check_table(run).header[-1] == "at x (m)"
    assert "k = 45 W/(m K)" in repr(run.summary)


def test_pictures_of_a_solution_have_units():
    (found,) = slices(rod(), lambda points: {"T": points[:, 0]}, None, {"t": [0.0, 3.0]})
    (ax,) = draw([found], None, None).figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("position x (m)", "temperature T (K)")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["t = 0 h", "t = 3 h"]
    assert found.only(1).titles == found.titles


def test_terms_have_their_formulas():
    """A group is one term, or all terms without derivatives of a row that has others."""
    with jax.enable_x64(True):
        problem = rod()
        written = {
            name: [sorted(map(Text(), row)) for row in RowTerms(problem.equation(name)).formulas(("x", "t"))]
            for name in problem.conditions
        }
    assert written == {"heat": [["c T_t", "−k T_xx"]], "air": [["2 (T − 20)", "k T_x"]]}


def test_the_sizes_of_terms_stand_beside_the_largest():
    check = make_check()
    row = msgspec.structs.replace(check.rows[0], terms={"c T_t": 4.0, "k T": 1.0})
    run = make_run(conditions={"heat": msgspec.structs.replace(check, rows=(row,))})
    assert tables.term_table(run).rows == [("heat", "c T_t", "4.00", "1.00"), ("heat", "k T", "1.00", "0.250")]
