"""Steps and deadlines of phases: properties for any shares, steps, budgets and speeds."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinnkit.runs.stop_reason import StopReason
from pinnkit.training.schedule import Limit, Pace, Stretch, fraction_of, limit_of, next_stretch, normalised

shares = st.lists(st.floats(0, 1), min_size=1, max_size=5)
some_shares = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=5)
budgets = st.none() | st.floats(0.1, 1e4)
totals = st.none() | st.integers(0, 2000)


def holds_for(*values):
    """For any such values, the same ones every time; machines may be slow."""
    return lambda test: settings(deadline=None, derandomize=True)(given(*values)(test))


class Simulation:
    """Phases run by `limit_of` and `next_stretch` alone, with steps that take the time that they are given."""

    def __init__(self, shares, usual, steps, budget, began=0.0, step_seconds=0.01, check_seconds=0.0, most=100):
        self.shares, self.usual, self.steps, self.began = normalised(shares), usual, steps, began
        self.end = math.inf if budget is None else began + budget
        self.step_seconds, self.check_seconds, self.most = step_seconds, check_seconds, most
        self.now, self.taken, self.ends, self.phase_steps, self.reasons = began, 0, [], [], []

    def limit(self, number):
        return limit_of(
            number,
            self.shares,
            self.usual,
            steps=self.steps,
            taken=self.taken,
            began=self.began,
            end=self.end,
        )

    def run(self):
        for number in range(len(self.shares)):
            limit, done, pace, fraction, entered = self.limit(number), 0, None, 0.0, self.now
            stretches = 0
            while isinstance(coming := next_stretch(limit, done, self.now, pace, self.most, (10, 18)), Stretch):
                assert 1 <= coming.length <= min(self.most, coming.remaining)
                done, self.now = done + coming.length, self.now + coming.length * self.step_seconds + self.check_seconds
                pace = Pace(self.step_seconds, self.check_seconds)
                assert fraction <= (fraction := fraction_of(limit, done, entered, self.now)) <= 1
                stretches += 1
                assert stretches <= done
            self.taken += done
            self.phase_steps.append(done)
            self.reasons.append(coming)
            self.ends.append(self.now)
        return self


@holds_for(some_shares.filter(lambda s: sum(x or 0 for x in s) < 1 or None not in s))
def test_normalised_shares_add_up_to_one(given_shares):
    found = normalised(given_shares)
    assert math.isclose(sum(found), 1) and min(found) >= 0
    assert all(x > 0 for x, asked in zip(found, given_shares, strict=True) if asked is None)


@holds_for(shares.filter(lambda s: sum(s) > 1e-3))
def test_given_shares_keep_their_ratios(given_shares):
    total = sum(given_shares)
    assert normalised(given_shares) == pytest.approx([share / total for share in given_shares])


@pytest.mark.parametrize("given_shares", [[1.0, None], [0.6, 0.6, None]])
def test_shares_that_leave_nothing_for_the_others_are_refused(given_shares):
    with pytest.raises(ValueError, match="leave nothing for the other phases"):
        normalised(given_shares)


@holds_for(some_shares.filter(lambda s: sum(x or 0 for x in s) < 1 or None not in s), st.integers(0, 2000))
def test_exactly_the_steps_that_are_asked_for_are_taken(given_shares, steps):
    """Where no phase before the last reaches its usual number, and where one does."""
    for usual in (5000, 7):
        run = Simulation(given_shares, len(given_shares) * [usual], steps, None).run()
        assert run.taken == steps
        assert all(reason is StopReason.STEPS for reason in run.reasons)


def test_three_default_phases_share_ten_steps():
    assert Simulation([None, None, None], 3 * [5000], 10, None).run().phase_steps == [3, 4, 3]


@holds_for(shares, st.integers(0, 300))
def test_without_limits_every_phase_takes_its_usual_steps(given_shares, usual):
    run = Simulation(given_shares, len(given_shares) * [usual], None, None).run()
    assert run.phase_steps == len(given_shares) * [usual]


@holds_for(shares, totals, st.floats(0.1, 100), st.floats(0, 100), st.floats(0.01, 10), st.floats(0, 1))
def test_no_deadline_passes_the_budget(given_shares, steps, budget, began, step_seconds, check_seconds):
    """However many phases there are and however long steps take: only a first step that began before may pass it."""
    usual = len(given_shares) * [1000]
    run = Simulation(given_shares, usual, steps, budget, began, step_seconds, check_seconds).run()
    deadlines = [run.limit(number).deadline for number in range(len(given_shares))]
    assert max(deadlines) <= run.end and sorted(deadlines) == deadlines
    assert run.now <= run.end + step_seconds + check_seconds
    if steps is not None:
        assert run.taken <= steps


@holds_for(st.floats(1, 50), st.floats(0.01, 0.1))
def test_time_that_is_left_by_steps_goes_to_the_last_phase(budget, step_seconds):
    run = Simulation([0.5, 0.5], [3, 3], None, budget, step_seconds=step_seconds).run()
    assert run.phase_steps[0] == 3 and run.reasons == [StopReason.STEPS, StopReason.BUDGET]
    assert run.ends[-1] > 0.8 * budget - step_seconds


@holds_for(totals.filter(lambda n: n is not None), st.floats(0.1, 100))
def test_a_phase_of_share_zero_takes_no_step(steps, budget):
    for limits in ({"steps": steps, "budget": None}, {"steps": None, "budget": budget}):
        run = Simulation([0.0, 1.0, 0.0], 3 * [50], **limits).run()
        assert run.phase_steps[0] == run.phase_steps[2] == 0


@pytest.mark.parametrize("now", [1.0, 2.0])
def test_nothing_begins_at_the_deadline(now):
    assert next_stretch(Limit(None, 1.0), 0, now, None, 100) is StopReason.BUDGET


def test_a_step_that_would_pass_the_deadline_is_not_taken():
    assert next_stretch(Limit(None, 10.0), 5, 8.0, Pace(3.0), 100) is StopReason.BUDGET
    assert next_stretch(Limit(None, 10.0), 5, 8.0, Pace(0.5, 1.5), 100) is StopReason.BUDGET
    assert next_stretch(Limit(None, 10.0), 5, 8.0, Pace(0.5, 0.5), 100) == Stretch(2, 2)


@holds_for(st.integers(1, 1000), st.integers(1, 50), st.sets(st.integers(1, 1000)))
def test_a_stretch_ends_where_something_else_is_due(steps, most, stops):
    done, ends = 0, set()
    while isinstance(coming := next_stretch(Limit(steps, math.inf), done, 0.0, None, most, stops), Stretch):
        done += coming.length
        ends.add(done)
    assert done == steps and {stop for stop in stops if stop <= steps} <= ends
