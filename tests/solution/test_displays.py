"""What an interactive session prints is short, and names what can be asked for next."""

import numpy as np

from pinnkit import Box, Condition, Problem, fit

DOMAIN = Box(x=(0.0, 1.0))
LINE = Problem(
    "line",
    DOMAIN,
    {"pde": Condition(lambda u, k: u.x - k, on=DOMAIN.interior)},
    coefficients={"k": 1.0},
    reference=lambda x: x,
)


def test_everything_that_a_fit_returns_is_shown_on_a_few_lines():
    solution = fit(LINE, strategy="adam", steps=30, points=6, width=4, depth=1)
    history, summary = solution.history, solution.summary
    assert repr(history).startswith(f"History of 30 steps: {len(history.diagnostics)} kernel snapshots, ")
    assert repr(history).endswith("checks; phases adam")
    lines = repr(summary).splitlines()
    assert lines[0] == "Summary of 'line', strategy adam" and len(lines) == 6
    assert "coefficients: k = 1" in lines[4] and "relative L2 error: u " in lines[3]
    assert repr(history.diagnostics[-1]).startswith("Kernel snapshot at step 30, phase adam: λ_max ")
    shown = repr(solution).splitlines()
    assert shown[0] == "Solution of 'line' for u(x) on Box(x=(0, 1))"
    assert shown[1].strip() == solution.report.verdict
    assert shown[2].strip().startswith("solution(x=...), .evaluate(...)")
    html = solution._repr_html_()
    assert "<b>line</b>" in html and "data:image/png;base64," in html


def test_solutions_over_many_coordinates_have_no_picture():
    domain = Box(**{name: (0.0, 1.0) for name in "pqrs"})
    problem = Problem("many", domain, {"pde": Condition(lambda u: u.pp, on=domain.interior)})
    solution = fit(problem, strategy="adam", steps=0, points=6, width=4, depth=1)
    assert "<img" not in solution._repr_html_()
    assert np.shape(solution.on(np.zeros((3, 4)))) == (3,)
