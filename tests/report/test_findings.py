"""Each rule has a run that it applies to and one that it does not."""

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from pinnkit.diagnostics.data_fit import DataFit
from pinnkit.diagnostics.determinacy import Determinacy
from pinnkit.ntk.frequency import ModeFrequency
from pinnkit.report.findings import conditions as condition_rules
from pinnkit.report.findings import data as data_rules
from pinnkit.report.findings import determinacy as determinacy_rules
from pinnkit.report.findings import effort as effort_rules
from pinnkit.report.findings import kernel as kernel_rules
from pinnkit.report.findings import losses as loss_rules
from pinnkit.report.findings.rules import RULES, interpret
from pinnkit.report.verdict import Grade, grade, is_healthy, verdict
from pinnkit.runs.decisions import Doubt, HardConstraints, SkippedWork
from pinnkit.runs.events import Stage
from pinnkit.runs.stop_reason import StopReason

from .synthetic import make_check, make_history, make_prediction, make_record, make_run, make_shape, make_theory


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


def with_data(relative=0.05, accuracy=0.4, **changes):
    """A run with data, of which `relative` is left, in relation to their size."""
    checks = {"pde": make_check(), "walls": make_check(), "data": make_check(relative, measured=True)}
    fits = {"data": msgspec.structs.replace(DataFit(0.1, True, 50, 48.0, 50.0, 0.4, 0.5), **changes)}
    return make_run(data=fits, conditions=checks, relative_l2={"u": accuracy})


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
    return make_run(history=history, **{"loss": 0.1, "validation_loss": 0.1, "relative_l2": {"u": 0.4}, **changes})


def first_order(history=None, **changes):
    """A run of Adam with a large error; `changes` go to its last record."""
    history = with_final(make_history(last=0.1) if history is None else history, **changes)
    return unsolved(dataclasses.replace(history, phases=[Stage("adam", 0, 0.0, 0)]), learning_rate=1e-3)


def with_passages(*errors, phase="adam", theory=True):
    """A run of Adam whose last kernel snapshots had predictions with these errors."""
    history = make_history(last=0.1)
    records = list(history.diagnostics)
    for i, error in zip(range(len(records) - len(errors), len(records)), errors, strict=True):
        prediction = make_prediction(records[i - 1].step, records[i].step, error)
        records[i] = dataclasses.replace(records[i], prediction=prediction, theory=make_theory() if theory else None)
    history = dataclasses.replace(history, diagnostics=records, phases=[Stage(phase, 0, 0.0, 0)])
    return unsolved(history, learning_rate=1e-3)


def examined(*freedoms, **distance):
    """What the examination at the end found."""
    return Determinacy(list(freedoms), 25, 24, 0.1, {"u": 1e-6, **distance})


def with_conditions(pde, walls, **changes):
    return make_run(**{"relative_l2": {"u": 0.4}, "conditions": {"pde": pde, "walls": walls}, **changes})


def short_of_time(*skipped_work, **changes):
    history = dataclasses.replace(make_history(), decisions=list(skipped_work))
    settings = {"problem": "poisson_1d", "budget": 60.0}
    return make_run(history=history, config=settings, **{"relative_l2": {"u": 0.4}, **changes})


def few_steps(settings):
    run = first_order(make_history(steps=300, last=0.1))
    summary = msgspec.structs.replace(run.summary, stop_reason=StopReason.STEPS)
    return dataclasses.replace(run, summary=summary, config=settings)


def with_jumps(factor):
    """A network of Adam whose training loss rises by this factor every hundred steps."""
    loss = np.geomspace(10, 0.1, 800)
    loss[100::100] *= factor
    history = dataclasses.replace(make_history(last=0.1), loss=loss)
    return make_run(history=history, relative_l2={"u": 0.4}, points={"pde": 500, "walls": 20})


def final_spectrum(run, **changes):
    spectra = run.summary.spectrum
    final = msgspec.structs.replace(spectra.final, **changes)
    return dataclasses.replace(
        run, summary=msgspec.structs.replace(run.summary, spectrum=msgspec.structs.replace(spectra, final=final))
    )


STEEP, FLAT = [10.0 ** -(i + 1) for i in range(8)], [0.1] * 8
SPOILT = [1e-3, *(0.1 * i for i in range(1, 8))]

CASES = {
    condition_rules.violated_condition: with_conditions(make_check(), make_check(3.0, hard=True, holds=False)),
    condition_rules.lost_flux: with_decisions(Doubt("condition 'pde' of problem 'p': it may jump")),
    condition_rules.poor_scaling: with_conditions(make_check(), make_check(0.5), weights={"pde": 1.0, "walls": 1e-9}),
    condition_rules.disagreement: make_run(relative_l2={"u": 0.4}),
    condition_rules.unsatisfied_conditions: with_conditions(make_check(), make_check(0.5)),
    effort_rules.too_little_time: short_of_time(SkippedWork("width 1500", 62.0, 5.0, 50.0)),
    effort_rules.too_few_steps: few_steps({"steps": 300}),
    effort_rules.small_network: make_run(relative_l2={"u": 0.4}, parameters=17),
    effort_rules.sparse_points: with_jumps(20.0),
    loss_rules.not_finite: make_run(stop_reason=StopReason.NOT_FINITE, stop_detail="residual of 'pde' at step 7"),
    kernel_rules.imbalanced_conditions: neglected(),
    kernel_rules.nothing_to_balance: make_run(
        names=("pde",), strategy="ntk-adam", validation_losses={"pde": 1e-12, "walls": 0.0}
    ),
    kernel_rules.slow_residual: left_in(slice(20, 40)),
    kernel_rules.unreachable_residual: left_in(slice(50, 64)),
    kernel_rules.ill_conditioning: first_order(),
    kernel_rules.front: first_order(shapes=(make_shape(concentration=0.95, place={"x": 0.0}, spread={"x": 0.02}),)),
    loss_rules.overfitting: unsolved(None, loss=1e-6, validation_loss=1e-3),
    loss_rules.overfitting_later: unsolved(
        with_checks(make_history(), validation_loss=SPOILT), kept_step=100, validation_loss=SPOILT[0]
    ),
    loss_rules.too_few_points: unsolved(None, loss=1e-6, validation_loss=1e-3, points={"pde": 32, "walls": 32}),
    loss_rules.precision_limit: make_run(precision="single", loss=1e-11, rounding_loss=3e-12),
    kernel_rules.steps_to_come: with_passages(0.7, 0.05, 0.02, 0.03),
    determinacy_rules.not_determined: make_run(relative_l2=None, determinacy=examined("a constant can be added to u")),
    determinacy_rules.far_from_solution: make_run(relative_l2=None, determinacy=examined(u=0.4)),
    kernel_rules.unstable_learning_rate: make_run(strategy="gradient-descent", learning_rate=0.01),
    kernel_rules.moving_kernel: with_passages(0.05, 0.02, 0.9, 0.9),
    kernel_rules.few_dimensions: unsolved(first_order().history, parameters=100_000),
    data_rules.data_not_fitted: with_data(correlation=5.0),
    data_rules.noise_not_as_given: with_data(chi2=200.0, probability=1e-9),
    data_rules.limited_by_noise: with_data(),
    loss_rules.still_falling: make_run(
        history=with_checks(make_history(), validation_loss=STEEP),
        stop_reason=StopReason.BUDGET,
        relative_l2={"u": 0.1},
    ),
}

QUIET = {
    condition_rules.violated_condition: with_conditions(make_check(), make_check(3.0)),
    condition_rules.lost_flux: with_decisions(HardConstraints(("walls",))),
    condition_rules.poor_scaling: with_conditions(make_check(), make_check(0.5)),
    condition_rules.disagreement: with_conditions(make_check(), make_check(0.5)),
    condition_rules.unsatisfied_conditions: with_conditions(make_check(), make_check(0.2, measured=True)),
    effort_rules.too_little_time: short_of_time(),
    effort_rules.too_few_steps: few_steps({"budget": 60.0}),
    effort_rules.small_network: make_run(relative_l2={"u": 0.4}, parameters=100),
    effort_rules.sparse_points: with_jumps(5.0),
    loss_rules.not_finite: make_run(),
    kernel_rules.imbalanced_conditions: make_run(),
    kernel_rules.nothing_to_balance: make_run(strategy="ntk-adam"),
    kernel_rules.slow_residual: left_in(slice(20, 40), phase="gauss-newton"),
    kernel_rules.unreachable_residual: left_in(slice(0, 40)),
    kernel_rules.ill_conditioning: left_in(slice(20, 40), phase="gauss-newton"),
    kernel_rules.front: first_order(),
    loss_rules.overfitting: unsolved(None, loss=1e-3, validation_loss=3e-3),
    loss_rules.overfitting_later: unsolved(
        with_checks(make_history(), validation_loss=FLAT), kept_step=100, validation_loss=FLAT[0]
    ),
    loss_rules.too_few_points: unsolved(None, loss=1e-6, validation_loss=1e-3, points={"pde": 5000, "walls": 32}),
    loss_rules.precision_limit: make_run(loss=1e-11),
    kernel_rules.steps_to_come: with_passages(0.02, 0.05, 0.05, 0.7),
    determinacy_rules.not_determined: make_run(determinacy=examined()),
    determinacy_rules.far_from_solution: make_run(determinacy=examined(u=0.4)),
    kernel_rules.unstable_learning_rate: make_run(strategy="gradient-descent", learning_rate=1e-3),
    kernel_rules.moving_kernel: with_passages(0.9, 0.05, 0.02, 0.02),
    kernel_rules.few_dimensions: unsolved(first_order().history, parameters=100),
    data_rules.data_not_fitted: with_data(relative=1e-6, correlation=5.0),
    data_rules.noise_not_as_given: with_data(),
    data_rules.limited_by_noise: with_data(accuracy=1e-6),
    loss_rules.still_falling: make_run(
        history=with_checks(make_history(), validation_loss=FLAT), stop_reason=StopReason.BUDGET, relative_l2={"u": 0.1}
    ),
}


def test_every_rule_is_tried():
    assert set(CASES) == set(QUIET) == set(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_speaks_where_it_should_and_only_there(rule):
    finding = rule(CASES[rule])
    assert finding is not None
    assert finding.title and finding.reason and finding.action
    assert finding in interpret(CASES[rule])
    assert rule(QUIET[rule]) is None


@pytest.mark.parametrize(
    ("rule", "figure"),
    [
        (
            condition_rules.violated_condition,
            "'walls' is built into the network, but its residual is 18.0 at x",
        ),
        (condition_rules.poor_scaling, "'walls' has terms of size 2.00 and a residual of 50 % of that."),
        (condition_rules.disagreement, "is 0.400 in 'u', although no residual exceeds 1.00e-05 times its terms"),
        (
            condition_rules.unsatisfied_conditions,
            "The residual of 'walls' is 50 % of its terms, at most 3.00 (at x = 0.25)",
        ),
        (effort_rules.too_little_time, "Width 1500 skipped: needs 62 s, 5 s left"),
        (effort_rules.small_network, "17 parameters; a problem with 1 coordinate and 1 component usually needs"),
        (effort_rules.sparse_points, "rose by a factor of more than 10 in 7 steps"),
        (loss_rules.not_finite, "'pde' at step 7"),
        (
            kernel_rules.imbalanced_conditions,
            "of 'pde' is 1.00e+05 times that of 'walls', whose mean squared residual is still 77 % of",
        ),
        (loss_rules.overfitting, "0.00100"),
        (kernel_rules.unstable_learning_rate, "2/λ_max = 0.00200"),
        (kernel_rules.ill_conditioning, "> 5.00e+19"),
        (kernel_rules.front, "near x = 0."),
        (loss_rules.too_few_points, "2,177 parameters can fit 64 points"),
        (loss_rules.precision_limit, "3.00e-11"),
        (kernel_rules.steps_to_come, "%. At learning rate 0.00104 the loss"),
        (kernel_rules.moving_kernel, "had an error of 79 %"),
        (determinacy_rules.not_determined, "a constant is added to u"),
        (determinacy_rules.far_from_solution, "u by 40 %"),
        (kernel_rules.few_dimensions, "100,000 parameters"),
    ],
)
def test_reasons_quote_the_figures_of_the_run(rule, figure):
    assert figure in rule(CASES[rule]).reason


def test_the_neglected_condition_is_named():
    assert kernel_rules.imbalanced_conditions(neglected()).title.endswith("conditions: 'walls' is neglected")


def test_the_residual_in_fast_modes_is_not_called_slow():
    assert kernel_rules.slow_residual(left_in(slice(0, 3))) is None


def test_the_slow_mode_with_most_of_the_residual_is_described():
    slow = left_in(slice(20, 40), most=30)  # which the record describes
    assert kernel_rules.slow_residual(slow).reason.endswith(
        "The largest part, 84 %, is in mode 31: about 30 half-waves in x on pde."
    )
    assert "largest part" not in kernel_rules.slow_residual(left_in(slice(20, 40), most=25)).reason


def test_the_missing_frequency_is_named():
    run = left_in(slice(20, 40))
    assert kernel_rules.slow_residual(run).title == "Spectral bias: a component with about 5 half-waves in x is missing"
    assert "The residual of 'pde' has about 5 half-waves in x." in kernel_rules.slow_residual(run).reason
    flat = make_shape(frequency=ModeFrequency(None, 0.2))
    history = with_final(run.history, shapes=(flat,))
    other = kernel_rules.slow_residual(dataclasses.replace(run, history=history))
    assert "residual of" not in other.reason and "slow modes" in other.title


def test_the_recommended_budget_would_have_let_the_skipped_work_begin():
    action = effort_rules.too_little_time(CASES[effort_rules.too_little_time]).action
    assert action == "Use a `budget` of at least 180 s."  # 50 s passed, 10 were left, and 12.4 times as much was needed


def test_a_run_that_is_not_solved_never_goes_without_a_finding():
    """If no rule identifies the cause, a finding says so and lists what to try."""
    plain = {"conditions": {"pde": make_check(0.5), "walls": make_check()}}
    for changes in ({"relative_l2": {"u": 0.4}, **plain}, {"relative_l2": None, **plain}, {"relative_l2": {"u": 0.02}}):
        run = make_run(points={"pde": 500, "walls": 20}, **changes)
        (first, *others) = interpret(run)
        if changes["relative_l2"] == {"u": 0.02}:  # all conditions are satisfied
            assert first.severity == "warning" and first.title.endswith("the solution differs from the reference")
        else:
            assert first.title == "No rule identifies the cause" and "1. check signs" in first.action
            assert all(finding.severity == "info" for finding in others)


def test_an_error_of_the_size_of_the_residual_does_not_blame_the_reference():
    title = "All conditions are satisfied, but the solution differs from the reference"
    for error, is_blamed in ((2e-3, False), (2e-2, True)):
        run = with_conditions(make_check(), make_check(5e-4), relative_l2={"u": error}, max_error={"u": error})
        assert (title in [finding.title for finding in interpret(run)]) == is_blamed
    unsolved = with_conditions(make_check(), make_check(5e-4), relative_l2={"u": 0.4})
    assert title in [finding.title for finding in interpret(unsolved)]


def test_a_condition_that_does_not_hold_is_named_first_whatever_the_error():
    run = with_conditions(make_check(), make_check(3.0, hard=True, holds=False), relative_l2={"u": 1e-12})
    assert verdict(run).startswith("Condition 'walls' does not hold: the residual of 'walls' is 18.0 at x = 0.25.")
    assert not is_healthy(run) and interpret(run)[0].title == "A condition does not hold: 'walls'"
    nan = with_conditions(make_check(math.nan, holds=False), make_check(), relative_l2=None)
    assert "is not finite at x = 0.25" in verdict(nan) and interpret(nan)[0].severity == "problem"


@pytest.mark.parametrize("key", ["relative_to_spread", "relative_to_range"])
def test_an_error_beside_an_offset_counts_relative_to_the_variation(key):
    run = make_run(relative_l2={"T": 2e-5}, max_error={"T": 0.16}, **{key: {"T": 0.06}})
    assert verdict(run).startswith("Not solved: the ") and "0.0600, the relative L2 error is 2.00e-05" in verdict(run)


def test_without_a_reference_every_row_has_to_be_small_against_its_own_terms():
    plain = lambda *checks, **changes: make_run(
        relative_l2=None, conditions=dict(zip(("pde", "walls"), checks, strict=True)), **changes
    )
    assert grade(plain(make_check(), make_check(1e-9, 0.35))) is Grade.UNCONVERGED
    assert grade(plain(make_check(), make_check(0.2, measured=True))) is Grade.CONVERGED
    assert grade(plain(make_check(), make_check(0.5, measured=True))) is Grade.UNCONVERGED
    near = plain(make_check(1e-4, zero=1e-12), make_check(1e-4, zero=1e-12))
    assert grade(near) is Grade.UNCONVERGED, "hardly better than no network at all"
    assert grade(plain(make_check(1e-7, zero=0.0), make_check(1e-7, zero=0.0))) is Grade.CONVERGED, (
        "there was nothing left to find"
    )


def test_there_is_no_advice_on_a_healthy_run():
    assert interpret(make_run()) == []
    assert interpret(make_run(relative_l2=None)) == []
    assert interpret(make_run(loss=1e-31, validation_loss=1e-28, relative_l2={"u": 1e-15})) == []


def test_without_predictions_a_kernel_that_drifted_is_reported_as_changing():
    run = first_order()
    records = [dataclasses.replace(record, prediction=None) for record in run.history.diagnostics]
    run = dataclasses.replace(run, history=dataclasses.replace(run.history, diagnostics=records))
    assert kernel_rules.moving_kernel(run) is None
    assert "= 3.00" in kernel_rules.moving_kernel(final_spectrum(run, kernel_drift=3.0)).reason


def test_steps_of_another_network_are_not_called_overfitting():
    run = CASES[loss_rules.overfitting_later]
    assert (
        loss_rules.overfitting_later(dataclasses.replace(run, config={**run.config, "network": "SineFeatures"})) is None
    )


def test_the_precision_limit_of_single_precision_is_always_reported():
    near, far = (make_run(precision="single", loss=loss, rounding_loss=3e-12) for loss in (1e-11, 1e-9))
    assert (
        loss_rules.precision_limit(near).severity == "warning"
        and "is reached" in loss_rules.precision_limit(near).title
    )
    assert (
        loss_rules.precision_limit(far).severity == "info" and "is not reached" in loss_rules.precision_limit(far).title
    )


def test_losses_at_rounding_are_not_called_overfitting():
    assert loss_rules.overfitting(unsolved(None, loss=1e-30, validation_loss=1e-27)) is None


def test_the_most_severe_finding_comes_first():
    run = unsolved(
        None, stop_reason=StopReason.NOT_FINITE, stop_detail="gradient at step 3", loss=1e-6, validation_loss=1e-3
    )
    severities = [finding.severity for finding in interpret(run)]
    assert severities[:2] == ["problem", "warning"]
    assert severities == sorted(severities, key=["problem", "warning", "info"].index)


def test_a_run_without_steps_or_with_a_kernel_that_vanishes_is_interpreted():
    history = dataclasses.replace(
        make_history(steps=0), diagnostics=[make_record(rank=0, largest=0.0, mode_coefficients=np.zeros(64))]
    )
    run = make_run(history=history, relative_l2=None, max_error=None)
    interpret(run)
    assert "unknown without a reference" in verdict(run)


def test_steps_to_go_are_not_those_of_a_rate_that_has_decayed():
    """At the end of a cosine the last rate is tiny; the median of the phase is not."""
    run = CASES[kernel_rules.steps_to_come]
    ended = dataclasses.replace(run, summary=msgspec.structs.replace(run.summary, learning_rate=1e-12))
    assert kernel_rules.steps_to_come(ended).reason == kernel_rules.steps_to_come(run).reason
