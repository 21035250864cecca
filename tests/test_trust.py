"""What is called solved is solved, and what is solved is called so, without a word of warning."""

import dataclasses
import math

import msgspec
import pytest

from pinnkit import Problem, ProblemError, fit
from pinnkit.equations.registry import find_problem
from pinnkit.report import interpret
from pinnkit.report.verdict import Grade, grade, is_healthy, verdict
from pinnkit.runs.run_folder import Run

from . import healthy_problems as healthy
from . import unsolvable_problems as unsolvable

slow = pytest.mark.slow


def cases(quick, others):
    return [*quick, *(pytest.param(name, marks=slow) for name in others)]


def without_reference(run: Run) -> Run:
    """The same run of a problem whose solution nobody knows."""
    unknown = dict.fromkeys(("relative_l2", "max_error", "relative_to_spread", "relative_to_range"))
    return dataclasses.replace(run, summary=msgspec.structs.replace(run.summary, **unknown))


def error_of(run: Run) -> float:
    found = run.summary.relative_l2 or {}
    return max((math.inf if math.isnan(error) else error for error in found.values()), default=math.nan)


def assert_not_called_solved(run: Run) -> None:
    """With its reference, where it has one, and without."""
    runs = [without_reference(run)] if run.summary.relative_l2 is None else [run, without_reference(run)]
    for one in runs:
        assert not is_healthy(one), verdict(one)
        assert grade(one) not in (Grade.SOLVED, Grade.CONVERGED)
        assert any(finding.severity != "info" for finding in interpret(one)), verdict(one)


def assert_called_solved(run: Run) -> None:
    assert grade(run) is Grade.SOLVED, verdict(run)
    assert grade(without_reference(run)) is Grade.CONVERGED, verdict(without_reference(run))
    for one in (run, without_reference(run)):
        assert [finding for finding in interpret(one) if finding.severity != "info"] == []


@pytest.mark.parametrize("name", cases(unsolvable.QUICK, [*unsolvable.SLOW, *unsolvable.UNDETERMINED]))
def test_what_is_not_solved_is_not_called_solved_and_gets_a_finding(name):
    case = {**unsolvable.QUICK, **unsolvable.SLOW, **unsolvable.UNDETERMINED}[name]
    run = fit(case.problem(), **case.options).run
    if name == "wrong reference":  # of which the run itself knows nothing
        assert grade(run) is Grade.UNSOLVED and any("reference" in finding.title for finding in interpret(run))
    else:
        assert_not_called_solved(run)


@slow
@pytest.mark.parametrize("name", unsolvable.JUMPS)
def test_coefficients_that_jump_under_a_derivative_are_refused_or_not_called_solved(name):
    case = unsolvable.JUMPS[name]
    try:
        run = fit(case.problem(), **case.options).run
    except ProblemError as error:
        assert "jump" in str(error)
    else:
        assert_not_called_solved(run)


@slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", healthy.BUILT_IN)
def test_built_in_problems_are_solved_without_a_finding(name, seed):
    assert_called_solved(fit(find_problem(name), seed=seed).run)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=slow)])
@pytest.mark.parametrize("name", cases(healthy.QUICK, healthy.SLOW))
def test_problems_with_known_solutions_are_solved_without_a_finding(name, seed):
    problem: Problem = {**healthy.QUICK, **healthy.SLOW}[name]()
    assert_called_solved(fit(problem, seed=seed).run)


def test_there_are_forty_of_each():
    assert sum(map(len, (unsolvable.QUICK, unsolvable.SLOW, unsolvable.JUMPS, unsolvable.UNDETERMINED))) >= 40
    assert sum(map(len, (healthy.QUICK, healthy.SLOW, healthy.BUILT_IN))) >= 40
