"""Each rule has a run that calls for it and one that does not."""

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from pinnkit.report import interpret
from pinnkit.report import interpretation as rules

from .synthetic import make_history, make_record, make_run


def with_final(run_history, **changes):
    """A history whose last record has other figures."""
    last = dataclasses.replace(run_history.diagnostics[-1], **changes)
    return dataclasses.replace(run_history, diagnostics=[*run_history.diagnostics[:-1], last])


def with_checks(history, **columns):
    checks = [
        dataclasses.replace(check, **{name: values[i] for name, values in columns.items()})
        for i, check in enumerate(history.checks)
    ]
    return dataclasses.replace(history, checks=checks)


def neglected():
    history = with_final(make_history(last=0.1), block_traces={"pde": 3e5, "walls": 3.0})
    return make_run(history=history, losses={"pde": 0.1, "walls": 4.0})


def left_in(modes, phase="ntk-adam", most=None):
    """A run whose remaining residual is in some of 64 modes, of which 40 are resolvable, and most of it in one."""
    coefficients = np.zeros(64)
    coefficients[modes] = 1.0
    if most is not None:
        coefficients[most] = 10.0
    history = with_final(make_history(last=0.1), mode_coefficients=coefficients)
    return make_run(history=dataclasses.replace(history, phases=[(phase, 0)]), loss=0.1, held_out_loss=0.1)


def final_spectrum(run, **changes):
    spectra = run.summary.spectrum
    final = msgspec.structs.replace(spectra.final, **changes)
    return dataclasses.replace(
        run, summary=msgspec.structs.replace(run.summary, spectrum=msgspec.structs.replace(spectra, final=final))
    )


STEEP = [10.0 ** -(i + 1) for i in range(8)]
FLAT = [0.1] * 8
SPOILT = [1e-3, *(0.1 * i for i in range(1, 8))]

CASES = {
    rules.not_finite: make_run(stop_reason="not finite: residual of condition 'pde' at step 7"),
    rules.imbalanced_conditions: neglected(),
    rules.slow_residual: left_in(slice(20, 40)),
    rules.unreachable_residual: left_in(slice(50, 64)),
    rules.overfitting: make_run(loss=1e-6, held_out_loss=1e-3),
    rules.overfitting_later: make_run(
        history=with_checks(make_history(), held_out_loss=SPOILT), kept_step=100, held_out_loss=SPOILT[0]
    ),
    rules.precision_limit: make_run(precision="single", loss=1e-11),
    rules.unstable_learning_rate: make_run(strategy="gradient-descent", learning_rate=0.01),
    rules.kernel_drift: final_spectrum(make_run(), kernel_drift=3.0),
    rules.bounded_condition_number: make_run(),
    rules.few_dimensions: make_run(parameters=100_000),
    rules.still_falling: make_run(
        history=with_checks(make_history(), held_out_loss=STEEP), stop_reason="budget", relative_l2={"u": 0.1}
    ),
    rules.converged: make_run(),
}

QUIET = {
    rules.not_finite: make_run(),
    rules.imbalanced_conditions: make_run(),
    rules.slow_residual: left_in(slice(20, 40), phase="gauss-newton"),
    rules.unreachable_residual: left_in(slice(0, 40)),
    rules.overfitting: make_run(loss=1e-3, held_out_loss=3e-3),
    rules.overfitting_later: make_run(
        history=with_checks(make_history(), held_out_loss=FLAT), kept_step=100, held_out_loss=FLAT[0]
    ),
    rules.precision_limit: make_run(loss=1e-11),
    rules.unstable_learning_rate: make_run(strategy="gradient-descent", learning_rate=1e-3),
    rules.kernel_drift: make_run(),
    rules.bounded_condition_number: final_spectrum(make_run(), condition_number_is_lower_bound=False),
    rules.few_dimensions: make_run(parameters=100),
    rules.still_falling: make_run(
        history=with_checks(make_history(), held_out_loss=FLAT), stop_reason="budget", relative_l2={"u": 0.1}
    ),
    rules.converged: make_run(relative_l2={"u": 0.5}),
}


def test_every_rule_is_tried():
    assert set(CASES) == set(QUIET) == set(rules.RULES)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_rule_speaks_where_it_should_and_only_there(rule):
    finding = rule(CASES[rule])
    assert finding is not None
    assert finding.title and finding.reason and finding.action
    assert finding in interpret(CASES[rule])
    assert rule(QUIET[rule]) is None


@pytest.mark.parametrize(
    ("rule", "figure"),
    [
        (rules.not_finite, "condition 'pde' at step 7"),
        (rules.imbalanced_conditions, "of 'pde' is 1.00e+05 times"),
        (rules.overfitting, "0.00100"),
        (rules.unstable_learning_rate, "2/λ_max = 0.00200"),
        (rules.kernel_drift, "3.00"),
        (rules.bounded_condition_number, "44 of 64"),
        (rules.few_dimensions, "100,000 parameters"),
    ],
)
def test_reasons_quote_the_figures_of_the_run(rule, figure):
    assert figure in rule(CASES[rule]).reason


def test_the_neglected_condition_is_named():
    assert "'walls'" in rules.imbalanced_conditions(neglected()).title


def test_the_residual_in_fast_modes_is_not_called_slow():
    assert rules.slow_residual(left_in(slice(0, 3))) is None
    assert rules.slow_residual(left_in(slice(50, 64))) is None


def test_the_slow_mode_with_most_of_the_residual_is_described():
    slow = left_in(slice(20, 40), most=30)  # which the record describes
    assert rules.slow_residual(slow).reason.endswith(
        "The largest part, 84.0 %, is in mode 31: about 30 half-waves in x on pde."
    )
    assert "largest part" not in rules.slow_residual(left_in(slice(20, 40), most=25)).reason


def test_steps_of_another_network_are_not_called_overfitting():
    run = CASES[rules.overfitting_later]
    assert rules.overfitting_later(dataclasses.replace(run, config={**run.config, "network": "SineFeatures"})) is None


def test_losses_at_rounding_are_not_called_overfitting():
    assert rules.overfitting(make_run(loss=1e-30, held_out_loss=1e-27)) is None


def test_the_gravest_finding_comes_first():
    run = make_run(stop_reason="not finite: gradient at step 3", loss=1e-6, held_out_loss=1e-3)
    severities = [finding.severity for finding in interpret(run)]
    assert severities[:2] == ["problem", "warning"]
    assert severities == sorted(severities, key=["problem", "warning", "info"].index)


@pytest.mark.parametrize(
    ("changes", "beginning"),
    [
        ({}, "Solved: the relative L2 error is 3.21e-07"),
        ({"relative_l2": {"u": 0.02}}, "Solved roughly: "),
        ({"relative_l2": {"u": 1e-5, "v": 0.7}}, "Not solved: the relative L2 error in v is 0.700"),
        ({"relative_l2": {"u": math.nan}}, "Not solved: "),
        ({"relative_l2": None}, "Converged after"),
        ({"relative_l2": None, "held_out_loss": 1.0}, "Not converged after"),
        ({"stop_reason": "not finite: gradient at step 3"}, "The run broke down"),
    ],
)
def test_the_verdict_follows_from_the_figures(changes, beginning):
    assert rules.verdict(make_run(**changes)).startswith(beginning)


def test_a_run_without_steps_or_with_a_kernel_that_vanishes_is_interpreted():
    history = dataclasses.replace(
        make_history(steps=0), diagnostics=[make_record(rank=0, largest=0.0, mode_coefficients=np.zeros(64))]
    )
    run = make_run(history=history, relative_l2=None, max_error=None)
    interpret(run)
    assert "without a reference" in rules.verdict(run)
