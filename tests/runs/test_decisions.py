"""Decisions as data, and the sentences made of them."""

import typing

import pytest

from pinnkit.runs.decisions import (
    AbandonedWindows,
    Attempt,
    ChosenBandwidth,
    ChosenInteractions,
    ContinuationStep,
    Decision,
    Doubt,
    EasedWindows,
    GivenBandwidth,
    HardConstraints,
    KeptNetwork,
    KeptStep,
    MissedSnapshot,
    Note,
    RejectedWidth,
    SinesAroundCorners,
    SingularFeatures,
    SkippedWindows,
    SkippedWork,
    SolvedWindows,
    StretchedCoordinates,
    Unexamined,
    WeighedData,
    WeighedPrior,
    decode_decision,
    encode_decision,
)

SENTENCES = {
    Note("a remark"): "a remark",
    Doubt("it may jump"): "doubtful: it may jump",
    HardConstraints(("walls", "start")): "hard constraints: walls, start",
    SkippedWork("width 1500", 62.0, 5.0, 1.0): "width 1500 skipped: needs 62 s, 5 s left",
    Unexamined(4.0, -1.0): "not examined whether the conditions determine the solution: needs 4 s, 0 s left",
    Unexamined(0.024, 0.016): "not examined whether the conditions determine the solution: needs 0.02 s, 0.02 s left",
    GivenBandwidth(6.0): "bandwidth 6, as given",
    RejectedWidth(48, "not finite"): "width 48 rejected: not finite",
    Attempt("width 500", 1.0, 2.0, 0.03, 0.02): "width 500: validation loss 2 % of initial after 2.0 s (3 % before)",
    Attempt("time windows", 1.0, 20.0, 0.21, None, 15.0, 1e-12): "time windows: failed after 20.0 s (21 % before); "
    "predicted 1.0e-12 after 15.0 s",
    EasedWindows(0.5, 1e-10, 62.0, 50.0): "tolerance of time windows raised to 1.0e-10 of their loss from t = 0.5 on: "
    "the rest needs 62 s, 50 s left",
    AbandonedWindows(225.0, 0.01): "time windows abandoned before t = 225: residual too large (1 % of the validation "
    "loss)",
    SkippedWindows("time windows", 78.0, 5.0, 1.0, 0.0369, 1): "time windows abandoned at t = 0.037 (1 window done): "
    "needs 78 s more, 5 s left",
    SolvedWindows(12, 0.1, 0.5, 800, 3, 1e-9): "12 time windows of length 0.1 to 0.5, at most 800 unknowns each, 3 "
    "with stretched coordinates; largest relative validation loss 1.0e-09",
    KeptNetwork(False, 0.128, 0.131): "kept: sine network (validation loss 0.128; deep network 0.131)",
    KeptStep(21, 0.1, 40, None): "kept: parameters of step 21 (validation loss 0.1; step 40 not finite)",
    MissedSnapshot(7, "not finite"): "no kernel snapshot at step 7: not finite",
}

BANDWIDTHS = [
    (
        ChosenBandwidth({"x": 3.0, "t": 6.0}, 500, 3, 0.21, 0.212),
        "bandwidth 3 in x, 6 in t for 500 unknowns: best of 3 trials (validation loss 21 % of initial; runner-up 21 %)",
    ),
    (
        ChosenBandwidth({"x": 3.0}, 500, 1, float("inf")),
        "bandwidth 3 in x for 500 unknowns: one trial (validation loss inf of initial)",
    ),
]

CONTINUATION = [
    (
        ContinuationStep({"Re": 100.0}, 1e-9, 12.0),
        "continuation: Re = 100 solved first in 12.0 s (validation loss 1e-09)",
    )
]

INTERACTIONS = [
    (
        ChosenInteractions(2, {1: 0.036, 2: 5.5e-4, 10: 0.23}),
        "sines of 2 coordinates each (validation loss of initial by number: 1: 3.6 %, 2: 5.5e-04, 10: 23 %)",
    ),
    (
        ChosenInteractions(1, {1: 1e-27}),
        "sines of 1 coordinate each (validation loss of initial by number: 1: 1.0e-27)",
    ),
    (
        SingularFeatures(1, 0, 4, 188, 364),
        "364 features that are singular at 1 corner of the domain and in 4 round holes and at 188 points outside",
    ),
    (SingularFeatures(2, 0, 0, 0, 24), "24 features that are singular at 2 corners of the domain"),
]

CORNERS = [
    (
        SinesAroundCorners(True, 1e-11, 4e-6),
        "sines around the corners chosen: 1.0e-11 with them, 4.0e-06 without",
    ),
    (
        SinesAroundCorners(False, 2e-4, 1e-5),
        "sines around the corners not chosen: 2.0e-04 with them, 1.0e-05 without",
    ),
]

LAYERS = [
    (
        StretchedCoordinates(True, ["x", "x"], [(1.0, 0.00512), (1.0, 0.0512)], 2e-9, 0.99),
        "coordinates stretched around x = 1 ± 0.005, x = 1 ± 0.05: 2.0e-09 with it, 99 % without",
    ),
    (
        StretchedCoordinates(False, ["y"], [(0.25, 0.1)], 2e-4, 1e-5),
        "coordinates not stretched around y = 0.25 ± 0.1: 2.0e-04 with it, 1.0e-05 without",
    ),
]

NOISE = [
    (WeighedData("data", 0.0123, True, 1.0), "noise of 'data': σ = 0.0123 (given), weight multiplied by 1"),
    (WeighedData("data", 0.5, False, 0.02), "noise of 'data': σ = 0.5 (estimated), weight multiplied by 0.02"),
    (WeighedPrior("smooth", 1.5e-13), "prior 'smooth': weight 1.5e-13, by cross-validation of the data"),
]

ALL = [*SENTENCES.items(), *BANDWIDTHS, *CONTINUATION, *INTERACTIONS, *CORNERS, *LAYERS, *NOISE]


@pytest.mark.parametrize(("decision", "sentence"), ALL)
def test_a_decision_is_a_sentence_and_the_same_after_encoding(decision, sentence):
    assert str(decision) == sentence
    assert decode_decision(encode_decision(decision)) == decision


def test_every_kind_of_decision_has_its_sentence_above():
    assert {type(decision) for decision, _ in ALL} == set(typing.get_args(Decision))


def test_the_budget_that_is_sufficient_keeps_the_share_of_the_time():
    assert SkippedWork("width 1500", 62.0, 5.0, 50.0).sufficient_budget(60.0) == 50.0 + 10.0 * 62.0 / 5.0
