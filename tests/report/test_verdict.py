"""The first line of a report."""

import math

import pytest

from pinnkit.diagnostics.coefficient_interval import Withheld
from pinnkit.report.findings.rules import interpret
from pinnkit.report.verdict import Grade, grade, is_healthy, verdict
from pinnkit.runs.stop_reason import StopReason

from .synthetic import make_run
from .test_findings import examined


def test_a_coefficient_that_no_residual_determines_is_no_result():
    """Also where there was no time to examine smooth changes of the solution."""
    unknown = {
        "coefficients": {"k": 1.2, "m": 1.7},
        "coefficient_intervals": dict.fromkeys("km", Withheld.NOT_DETERMINED),
    }
    run = make_run(relative_l2=None, determinacy=None, **unknown)
    assert grade(run) is Grade.UNDETERMINED and not is_healthy(run)
    assert verdict(run).startswith("Not determined: k can take other values; m can take other values")
    (first, *_) = interpret(run)
    assert first.title == "The conditions do not determine the solution" and first.severity == "problem"
    assert "when k takes other values; when m takes other values" in first.reason
    assert grade(make_run(relative_l2=None, determinacy=examined(), **unknown)) is Grade.CONVERGED


@pytest.mark.parametrize(
    ("changes", "beginning"),
    [
        ({}, "Solved: the relative L2 error is 3.21e-07"),
        ({"relative_l2": {"u": 0.02}}, "Solved roughly: "),
        (
            {"relative_l2": {"u": 1e-5, "v": 0.7}, "max_error": {"u": 1e-5, "v": 1.0}},
            "Not solved: the relative L2 error in v is 0.700",
        ),
        ({"relative_l2": {"u": math.nan}}, "Not solved: "),
        ({"relative_l2": None}, "Converged after"),
        ({"relative_l2": None, "validation_loss": 1.0}, "Stopped improving after"),
        ({"relative_l2": None, "validation_loss": 1.0, "stop_reason": StopReason.BUDGET}, "Not converged after"),
        (
            {"relative_l2": None, "coefficients": {"k": 2.0}, "coefficient_intervals": {"k": (1.9, 2.1)}},
            "Converged after 800 steps and 12.3 s: the validation loss is 1.50e-12, 1.50e-13 times that of a zero "
            "network. The largest residual relative to its terms is 1.00e-05 (in 'pde'). The error is unknown without "
            "a reference. Whether the conditions determine the solution was not checked. "
            "Estimated: k = 2.00 (95 %: 1.90 to 2.10).",
        ),
        (
            {"relative_l2": None, "determinacy": examined("a constant can be added to u")},
            "Not determined: a constant can be added to u (no residual changes).",
        ),
        ({"relative_l2": {"u": 0.3}, "determinacy": examined("a constant can be added to u")}, "Not determined: "),
        ({"determinacy": examined("a constant can be added to u")}, "Solved: "),
        ({"relative_l2": None, "determinacy": examined(u=0.4)}, "Stopped improving after"),
        ({"stop_reason": StopReason.NOT_FINITE, "stop_detail": "gradient at step 3"}, "Training broke down"),
    ],
)
def test_the_verdict_follows_from_the_figures(changes, beginning):
    assert verdict(make_run(**changes)).startswith(beginning)
