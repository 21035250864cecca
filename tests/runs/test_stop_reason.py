"""Why a fit stops, in code and in files."""

from pathlib import Path

import msgspec
import pytest

from pinnkit import StopReason
from pinnkit.runs.summary import Summary

from ..report.synthetic import make_run


@pytest.mark.parametrize("reason", StopReason)
def test_a_reason_is_read_back_from_json(reason):
    summary = make_run(stop_reason=reason).summary
    assert Summary.decoded(summary.encoded()).stop_reason is reason


def test_an_unknown_reason_is_refused():
    spoilt = make_run().summary.encoded().replace(b'"stalled"', b'"plateau"')
    with pytest.raises(msgspec.ValidationError, match="stop_reason"):
        Summary.decoded(spoilt)


def test_the_ending_says_what_was_not_finite():
    run = make_run(stop_reason=StopReason.NOT_FINITE, stop_detail="residual of condition 'pde' at x = 0.7, at step 8")
    assert run.summary.ending == "not finite: residual of condition 'pde' at x = 0.7, at step 8"


def test_the_docs_list_every_reason():
    page = (Path(__file__).parents[2] / "docs" / "pages" / "training.md").read_text(encoding="utf-8")
    assert all(f"| `{reason.name}` | `{reason.value}` |" in page for reason in StopReason)
