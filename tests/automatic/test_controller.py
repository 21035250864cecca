"""The controller of window lengths, by prescribed losses."""

import dataclasses
import math

import pytest

from pinnkit.automatic.time_marching.controller import Controller, ControllerState

TOLERANCE = 4e-16


@pytest.mark.parametrize(
    ("before", "loss", "factor"),
    [
        (1e-20, 1e-20, 2.0),  # a longer one left no more: rounding, or space, is what is left
        (1e-20, 4e-17, 1.0),  # what is aimed at is left
        (1e-21, 1.2e-17, 1.0),  # it rose as fast as the length explains
        (1e-20, 1e-14, 1.0),  # more than is accepted, where nothing helped
    ],
)
def test_windows_grow_if_length_is_not_the_cause_of_the_loss(before, loss, factor):
    state = ControllerState(shortest=1e-3, before=before, length_before=1 / 2)
    length, after = Controller().keep(loss, TOLERANCE, 1.0, state)
    assert length == pytest.approx(factor, rel=0.15)
    assert (after.before, after.length_before) == (loss, 1.0)


@pytest.mark.parametrize("order", [2, 4, 12])
def test_lengths_converge_to_those_whose_loss_is_the_aim(order):
    """Losses that are a power of the length: the controller finds the length of any, from either side."""
    controller = Controller(order=order)
    for wanted in (0.01, 0.2):
        length, state = controller.init(1.0)
        loss = lambda length, wanted=wanted: controller.aim * TOLERANCE * (length / wanted) ** order
        for _ in range(40):
            accepted, following, state = controller.adapt(loss(length), TOLERANCE, length, state)
            assert accepted == (loss(length) <= controller.slack * TOLERANCE)
            assert following >= length if accepted and length <= wanted else following <= 2 * length
            length = following
        assert length == pytest.approx(wanted, rel=1e-6)


def test_a_rejected_window_is_shortened_within_limits():
    controller = Controller(shrinkage=(0.3, 0.6), slack=10.0)
    length, state = controller.init(32.0)
    assert length == 2.0
    for loss, factor in ((1.0, 0.3), (10.1 * TOLERANCE, 0.6)):
        accepted, shorter, after = controller.adapt(loss, TOLERANCE, length, state)
        assert not accepted and shorter == factor * length and after == state


def test_the_shortest_window_is_not_shortened():
    controller = Controller(shortest=1 / 8)
    _, state = controller.init(2.0)
    assert controller.adapt(1.0, TOLERANCE, 0.25, state) == (False, 0.25, state)
    assert controller.adapt(math.inf, TOLERANCE, 0.26, state)[1] < 0.26


def test_the_tolerance_is_the_largest_of_what_is_known():
    controller, state = Controller(inherited=10.0, from_start=30.0), ControllerState(shortest=0.1)
    assert controller.tolerance(1e-15, 0.0, state) == 1e-15
    assert controller.tolerance(1e-15, 1e-6, state) == pytest.approx(9e-10)
    assert controller.tolerance(1e-15, 0.0, dataclasses.replace(state, floor=1e-9)) == pytest.approx(1e-8)
    assert controller.tolerance(1e-15, 0.0, dataclasses.replace(state, ease=1e4)) == pytest.approx(1e-11)
    assert controller.tolerance(1e-15, 0.0, dataclasses.replace(state, target=1e-5)) == 1e-5


def test_a_target_allows_no_more_than_windows_can_start_from():
    controller = Controller(aim=0.1, easiest=1e-10)
    assert controller.for_target(None, 1.0) == controller.for_target(1e-3, 0.0) == 0.0
    assert controller.for_target(1e-12, 2.0) == pytest.approx(5e-14)
    assert controller.for_target(1e-3, 2.0) == 1e-10


def test_an_eased_tolerance_asks_less_of_initial_slices_up_to_a_limit():
    controller, (_, state) = Controller(met=1e-7, from_start=30.0, easiest=1e-8), Controller().init(1.0)
    errors = [controller.start_error(dataclasses.replace(state, ease=ease)) for ease in (1.0, 100.0, 1e4)]
    assert errors == pytest.approx([1e-7, 1e-6, 1e-4 / 30])
    assert controller.harmless(1e-10) < 1e-5 / 30


def test_rough_starts_are_tolerated():
    controller, (_, state) = Controller(), Controller().init(1.0)
    assert controller.is_tolerable(1e-4, 1e-3, state) and not controller.is_tolerable(1e-4, 1e-9, state)


def test_what_a_rough_start_left_is_tolerated_in_later_windows():
    controller, (_, state) = Controller(inherited=10.0), Controller().init(1.0)
    after = dataclasses.replace(state, rough=1e-4)
    assert controller.is_tolerable(9e-4, 1e-9, after) and not controller.is_tolerable(2e-3, 1e-9, after)


def test_without_space_windows_that_are_not_tolerable_are_shortened_although_that_hardly_helps():
    for persists in (True, False):
        controller = Controller(persists=persists, pays=0.1)
        assert controller.shortening_helps(0.9, 1.0, 1e-9, tolerated=False) == persists
        assert not controller.shortening_helps(0.9e-7, 1e-7, 1e-9, tolerated=True)
        assert controller.shortening_helps(0.9e-9, 1e-7, 1e-9, tolerated=True)


def test_another_attempt_helps_if_it_is_accepted_or_much_better():
    controller = Controller(pays=0.1)
    assert controller.helps(1e-3, 1e-1) and not controller.helps(1e-3, 5e-3)
    assert controller.helps(1e-3, 5e-3, tolerance=1e-3)
