"""Each rule has a run that calls for it and one that does not."""

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from pinnkit.ntk.frequency import ModeFrequency
from pinnkit.records import Stage
from pinnkit.report import interpret
from pinnkit.report import interpretation as rules
from pinnkit.stop_reason import StopReason

from .synthetic import make_history, make_passage, make_record, make_run, make_shape, make_theory


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


def with_decisions(*decisions):
    return make_run(history=dataclasses.replace(make_history(), decisions=list(decisions)))


def neglected():
    history = with_final(make_history(last=0.1), block_traces={"pde": 3e5, "walls": 3.0})
    history = dataclasses.replace(history, phases=[Stage("adam", 0, 0.0, 0)])
    return unsolved(history, losses={"pde": 0.1, "walls": 4.0})


def left_in(modes, phase="ntk-adam", most=None):
    """A run whose remaining residual is in some of 64 modes, of which 40 are resolvable, and most of it in one."""
    coefficients = np.zeros(64)
    coefficients[modes] = 1.0
    if most is not None:
        coefficients[most] = 10.0
    history = with_final(make_history(last=0.1), mode_coefficients=coefficients)
    return unsolved(dataclasses.replace(history, phases=[Stage(phase, 0, 0.0, 0)]))


def unsolved(history, **changes):
    """A run whose error is large."""
    return make_run(history=history, **{"loss": 0.1, "held_out_loss": 0.1, "relative_l2": {"u": 0.4}, **changes})


def first_order(history=None, **changes):
    """A run of Adam that did not get far; `changes` go to its last record."""
    history = with_final(make_history(last=0.1) if history is None else history, **changes)
    return unsolved(dataclasses.replace(history, phases=[Stage("adam", 0, 0.0, 0)]), learning_rate=1e-3)


def with_passages(*errors, phase="adam", theory=True):
    """A run of Adam whose last looks had predictions that were so far off."""
    history = make_history(last=0.1)
    records = list(history.diagnostics)
    for i, error in zip(range(len(records) - len(errors), len(records)), errors, strict=True):
        passage = make_passage(records[i - 1].step, records[i].step, error)
        records[i] = dataclasses.replace(records[i], passage=passage, theory=make_theory() if theory else None)
    history = dataclasses.replace(history, diagnostics=records, phases=[Stage(phase, 0, 0.0, 0)])
    return unsolved(history, learning_rate=1e-3)


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
    rules.not_finite: make_run(stop_reason=StopReason.NOT_FINITE, stop_detail="residual of condition 'pde' at step 7"),
    rules.imbalanced_conditions: neglected(),
    rules.slow_residual: left_in(slice(20, 40)),
    rules.unreachable_residual: left_in(slice(50, 64)),
    rules.ill_conditioning: first_order(),
    rules.front: first_order(shapes=(make_shape(concentration=0.95, place={"x": 0.0}, spread={"x": 0.02}),)),
    rules.overfitting: unsolved(None, loss=1e-6, held_out_loss=1e-3),
    rules.overfitting_later: unsolved(
        with_checks(make_history(), held_out_loss=SPOILT), kept_step=100, held_out_loss=SPOILT[0]
    ),
    rules.too_few_points: unsolved(None, loss=1e-6, held_out_loss=1e-3, points={"pde": 32, "walls": 32}),
    rules.precision_limit: make_run(precision="single", loss=1e-11, rounding_loss=3e-12),
    rules.steps_to_come: with_passages(0.05, 0.02),
    rules.unstable_learning_rate: make_run(strategy="gradient-descent", learning_rate=0.01),
    rules.moving_kernel: with_passages(0.05, 0.7),
    rules.lost_flux: with_decisions("doubtful: condition 'pde' of problem 'p': it may jump"),
    rules.few_dimensions: unsolved(first_order().history, parameters=100_000),
    rules.still_falling: make_run(
        history=with_checks(make_history(), held_out_loss=STEEP), stop_reason=StopReason.BUDGET, relative_l2={"u": 0.1}
    ),
}

QUIET = {
    rules.not_finite: make_run(),
    rules.imbalanced_conditions: make_run(),
    rules.slow_residual: left_in(slice(20, 40), phase="gauss-newton"),
    rules.unreachable_residual: left_in(slice(0, 40)),
    rules.ill_conditioning: left_in(slice(20, 40), phase="gauss-newton"),
    rules.front: first_order(),
    rules.overfitting: unsolved(None, loss=1e-3, held_out_loss=3e-3),
    rules.overfitting_later: unsolved(
        with_checks(make_history(), held_out_loss=FLAT), kept_step=100, held_out_loss=FLAT[0]
    ),
    rules.too_few_points: unsolved(None, loss=1e-6, held_out_loss=1e-3, points={"pde": 5000, "walls": 32}),
    rules.precision_limit: make_run(loss=1e-11),
    rules.steps_to_come: with_passages(0.05, 0.7),
    rules.unstable_learning_rate: make_run(strategy="gradient-descent", learning_rate=1e-3),
    rules.moving_kernel: with_passages(0.05, 0.02),
    rules.lost_flux: with_decisions("by construction: walls"),
    rules.few_dimensions: unsolved(first_order().history, parameters=100),
    rules.still_falling: make_run(
        history=with_checks(make_history(), held_out_loss=FLAT), stop_reason=StopReason.BUDGET, relative_l2={"u": 0.1}
    ),
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
        (rules.imbalanced_conditions, "of 'pde' is 1.00e+05 times that of 'walls', which kept 77.0 %"),
        (rules.overfitting, "0.00100"),
        (rules.unstable_learning_rate, "2/λ_max = 0.00200"),
        (rules.ill_conditioning, "> 5.00e+19"),
        (rules.front, "near x = 0."),
        (rules.too_few_points, "64 points can be fitted by 2,177 parameters"),
        (rules.precision_limit, "3.00e-11"),
        (rules.steps_to_come, "within 5.00 %. At rate 0.00100 the loss"),
        (rules.moving_kernel, "70.0 % off"),
        (rules.few_dimensions, "100,000 parameters"),
    ],
)
def test_reasons_quote_the_figures_of_the_run(rule, figure):
    assert figure in rule(CASES[rule]).reason


def test_the_neglected_condition_is_named():
    assert rules.imbalanced_conditions(neglected()).title.endswith("conditions: 'walls' is neglected")


def test_the_residual_in_fast_modes_is_not_called_slow():
    assert rules.slow_residual(left_in(slice(0, 3))) is None


def test_the_slow_mode_with_most_of_the_residual_is_described():
    slow = left_in(slice(20, 40), most=30)  # which the record describes
    assert rules.slow_residual(slow).reason.endswith(
        "The largest part, 84.0 %, is in mode 31: about 30 half-waves in x on pde."
    )
    assert "largest part" not in rules.slow_residual(left_in(slice(20, 40), most=25)).reason


def test_what_is_missing_is_told_by_its_frequency():
    run = left_in(slice(20, 40))
    assert rules.slow_residual(run).title == "Spectral bias: variation with about 5 half-waves in x is missing"
    assert "The residual of 'pde' varies with about 5 half-waves in x." in rules.slow_residual(run).reason
    flat = make_shape(frequency=ModeFrequency(None, 0.2))
    history = with_final(run.history, shapes=(flat,))
    other = rules.slow_residual(dataclasses.replace(run, history=history))
    assert "varies" not in other.reason and "slow modes" in other.title


def test_there_is_no_advice_on_a_healthy_run():
    assert interpret(make_run()) == []
    assert interpret(make_run(relative_l2=None)) == []
    assert interpret(make_run(loss=1e-31, held_out_loss=1e-28, relative_l2={"u": 1e-15})) == []


def test_without_predictions_a_kernel_that_drifted_is_said_to_move():
    run = first_order()
    records = [dataclasses.replace(record, passage=None) for record in run.history.diagnostics]
    run = dataclasses.replace(run, history=dataclasses.replace(run.history, diagnostics=records))
    assert rules.moving_kernel(run) is None
    assert "= 3.00" in rules.moving_kernel(final_spectrum(run, kernel_drift=3.0)).reason


def test_steps_of_another_network_are_not_called_overfitting():
    run = CASES[rules.overfitting_later]
    assert rules.overfitting_later(dataclasses.replace(run, config={**run.config, "network": "SineFeatures"})) is None


def test_the_precision_limit_of_single_precision_is_always_told():
    near, far = (make_run(precision="single", loss=loss, rounding_loss=3e-12) for loss in (1e-11, 1e-9))
    assert rules.precision_limit(near).severity == "warning" and "is reached" in rules.precision_limit(near).title
    assert rules.precision_limit(far).severity == "info" and "not what stopped it" in rules.precision_limit(far).title


def test_losses_at_rounding_are_not_called_overfitting():
    assert rules.overfitting(unsolved(None, loss=1e-30, held_out_loss=1e-27)) is None


def test_the_gravest_finding_comes_first():
    run = unsolved(
        None, stop_reason=StopReason.NOT_FINITE, stop_detail="gradient at step 3", loss=1e-6, held_out_loss=1e-3
    )
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
        ({"relative_l2": None, "held_out_loss": 1.0}, "Came to rest after"),
        ({"relative_l2": None, "held_out_loss": 1.0, "stop_reason": StopReason.BUDGET}, "Not converged after"),
        (
            {"relative_l2": None, "coefficients": {"k": 2.0}, "coefficient_intervals": {"k": (1.9, 2.1)}},
            "Converged after 800 steps and 12.3 s: the loss on held-out points is 1.50e-12, 1.44e-13 of the first "
            "training loss. Without a reference the error is unknown. Found: k = 2 (95 %: 1.90 to 2.10).",
        ),
        ({"stop_reason": StopReason.NOT_FINITE, "stop_detail": "gradient at step 3"}, "The run broke down"),
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
