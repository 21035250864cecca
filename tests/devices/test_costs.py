"""What devices send, by the formulas and by the compiled programs; and sweeps over several devices."""

import jax
import numpy as np
import pytest

from pinnkit import fit_many
from pinnkit._base.devices import devices_of, sharded
from pinnkit._base.errors import InputError, InputTypeError
from pinnkit.residuals.cost import costs

from ..benchmarks.scaling import prepared, sent, step_of
from ..problems_for_tests import poisson

several = pytest.mark.skipif(jax.device_count() == 1, reason="needs several devices; see test_processes")


@several
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("points", "width"), [(800, 8), (80, 40)])
@pytest.mark.parametrize(
    ("form", "name"),
    [("linearize", "jacobian"), ("linearize_by_kernel", "kernel"), ("linearize_by_normal_matrix", "normal")],
)
def test_formulas_tell_what_compiled_programs_send(form, name, points, width):
    with sharded() as devices:
        residuals, params, batch, weights = prepared(points, width)
        text = step_of(form, residuals, batch, weights).lower(params).compile().as_text()
        found, formula = sent(text, len(devices)), costs(residuals, params, batch)[name].sent
    assert 0.4 < formula / found < 2.5, (formula, found)


def test_costs_fall_with_the_number_of_devices_and_one_device_sends_nothing():
    residuals, params, batch, _ = prepared(400, 10)
    one, eight = (costs(residuals, params, batch, devices) for devices in (1, 8))
    for name in one:
        assert one[name].sent == 0 < eight[name].sent
        assert one[name].work / 8 <= eight[name].work < one[name].work


@several
def test_fits_of_a_sweep_run_at_a_time_and_are_those_of_one_device():
    options = {"seeds": 3, "strategy": "adam", "steps": 5, "points": 20, "width": 6, "depth": 1, "progress": False}
    many, one = fit_many(poisson(), **options), fit_many(poisson(), devices=1, **options)
    assert [member.seed for member in many] == [0, 1, 2]
    np.testing.assert_allclose(many.table["validation_loss"], one.table["validation_loss"], rtol=1e-12)


@pytest.mark.parametrize(
    ("devices", "error", "said"),
    [
        (0, InputTypeError, "a number ≥ 1"),
        ("all", InputTypeError, "got 'all'"),
        ([], InputTypeError, "a list of devices"),
        (10_000, InputError, "there are"),
        (2 * [jax.devices()[0]], InputError, "twice"),
    ],
)
def test_devices_that_do_not_exist_are_refused(devices, error, said):
    with pytest.raises(error, match=said):
        devices_of(devices)
