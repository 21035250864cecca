"""A plain training step is no more work than one written by hand (`pytest -m benchmark`)."""

import pytest

from .step_cost import WORK, hand_run, pinnkit_run


@pytest.mark.benchmark
@pytest.mark.parametrize("name", WORK)
def test_a_step_is_no_more_work_than_one_written_by_hand(name):
    flops = lambda run: run.stretch.cost_analysis()["flops"]
    assert flops(pinnkit_run(WORK[name])) <= flops(hand_run(WORK[name]))
