"""The search finds the bandwidth of separable landscapes, and stops when told to."""

import math

import pytest

from pinnkit.automatic.random_features.bandwidth import choose_bandwidth

LADDER = [1.5 * 2**k for k in range(8)]


def landscape(*optimum):
    """What is left grows with the distance, in octaves, from the optimum of each coordinate."""

    def trial(bandwidth):
        octaves = [abs(math.log2(s / o)) for s, o in zip(bandwidth, optimum, strict=True)]
        return 10.0 ** (-10 + 2 * sum(octaves))

    return trial


@pytest.mark.parametrize("optimum", [(1.5,), (192.0,), (6.0, 48.0), (96.0, 3.0, 3.0), (12.0, 12.0)])
def test_optimum_of_a_separable_landscape_is_found(optimum):
    choice = choose_bandwidth(landscape(*optimum), len(optimum) * [LADDER])
    assert choice.bandwidth == optimum
    assert choice.relative_loss == min(choice.trials.values())


def test_search_stops_at_what_is_good_enough():
    choice = choose_bandwidth(landscape(3.0, 3.0), 2 * [LADDER], enough=1e-9)
    assert len(choice.trials) == 2 and choice.bandwidth == (3.0, 3.0)


@pytest.mark.parametrize("start", [None, (1.5, 1.5)])
@pytest.mark.parametrize("trials", [0, 1, 3, 5])
def test_search_stops_when_time_is_up_after_at_least_one_trial(trials, start):
    """A step that has begun is finished: it compares two trials."""
    tried = []

    def trial(bandwidth):
        tried.append(bandwidth)
        return landscape(48.0, 12.0)(bandwidth)

    choice = choose_bandwidth(trial, 2 * [LADDER], start=start, is_over=lambda: len(tried) >= trials)
    assert max(trials, 1) <= len(tried) <= max(trials, 1) + 1
    assert len(tried) < len(choose_bandwidth(landscape(48.0, 12.0), 2 * [LADDER], start=start).trials)
    assert choice.relative_loss == min(choice.trials.values())


def test_ladders_may_differ_in_length():
    choice = choose_bandwidth(landscape(6.0, 48.0), [LADDER[:3], LADDER])
    assert choice.bandwidth == (6.0, 48.0)


def test_search_from_a_start_stays_near_it():
    choice = choose_bandwidth(landscape(12.0, 24.0), 2 * [LADDER], start=(6.0, 24.0))
    assert choice.bandwidth == (12.0, 24.0)
    assert len(choice.trials) <= 16  # of 64
