"""Several fits are what `fit` makes of each, and their statistics are those of the figures."""

import csv

import numpy as np
import pytest

from pinnkit import Callback, Condition, InputError, Interval, Problem, fit, fit_many

LINE = Interval(x=(0.0, 1.0))
GROWTH = Problem(
    name="growth",
    domain=LINE,
    coefficients={"k": 1.0},
    conditions={"pde": Condition(lambda u, k: u.x - k * u, on=LINE.interior)},
    reference=lambda x, k: np.exp(k * x),
)
SMALL = {"strategy": "adam", "steps": 5, "points": 6, "width": 4, "depth": 1}


@pytest.fixture(scope="module")
def sweep():
    return fit_many(GROWTH, seeds=[3, 4], coefficients=[{}, {"k": 2.0}], **SMALL)


@pytest.mark.slow
def test_members_are_single_fits_in_order(sweep):
    assert [(member.coefficients, member.seed) for member in sweep] == [
        ({}, 3),
        ({}, 4),
        ({"k": 2.0}, 3),
        ({"k": 2.0}, 4),
    ]
    alone = fit(GROWTH.with_coefficients(k=2.0), seed=4, **SMALL)
    np.testing.assert_array_equal(sweep[3].solution(x=[0.2, 0.7]), alone(x=[0.2, 0.7]))


@pytest.mark.slow
def test_statistics_are_over_seeds(sweep, tmp_path):
    errors = [member.solution.summary.relative_l2["u"] for member in sweep]
    np.testing.assert_allclose(sweep.mean("relative_l2_u"), [np.mean(errors[:2]), np.mean(errors[2:])])
    np.testing.assert_allclose(sweep.spread("relative_l2_u"), [np.std(errors[:2], ddof=1), np.std(errors[2:], ddof=1)])
    lines = repr(sweep).splitlines()
    assert lines[0] == "4 fits" and lines[2].startswith("  k = 2: relative_l2_u ") and "±" in lines[2]
    with pytest.raises(InputError, match="no figure 'error'; there are k, seed, relative_l2_u"):
        sweep.mean("error")


def test_the_table_of_one_set_of_coefficients_is_read_back(sweep, tmp_path):
    part = type(sweep)(sweep[2:])
    rows = list(csv.DictReader(part.to_csv(tmp_path / "sweep.csv").read_text().splitlines()))
    assert [float(row["k"]) for row in rows] == [2.0, 2.0]
    assert [float(row["validation_loss"]) for row in rows] == part.table["validation_loss"]


def test_an_interrupted_fit_is_the_last():
    class Ends(Callback):
        def progress(self, event):
            return True

    assert len(fit_many(GROWTH, seeds=3, callbacks=[Ends()], **SMALL)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 0}, "`seeds` is a number of seeds"),
        ({"seeds": [1, -1]}, "`seeds` is a number of seeds"),
        ({"seeds": 2, "resume": "runs"}, "several fits cannot share `resume`"),
        ({"coefficients": [{"c": 1.0}]}, "has no coefficient"),
    ],
)
def test_sweeps_that_cannot_be_meant(arguments, message):
    with pytest.raises(InputError, match=message):
        fit_many(GROWTH, **arguments)
