"""What a plain training step costs against code written by hand (`pytest -m benchmark`)."""

import pytest

from .step_cost import PROBLEMS, hand_run, pinnkit_run


@pytest.mark.benchmark
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_step_is_no_more_work_than_one_written_by_hand(name):
    work = lambda run: run.stretch.cost_analysis()["flops"]
    assert work(pinnkit_run(PROBLEMS[name])) <= work(hand_run(name))
