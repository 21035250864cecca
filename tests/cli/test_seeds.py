"""`pinnkit solve --seeds`."""

import pytest

from pinnkit import Run
from pinnkit.cli.app import main
from pinnkit.runs.stop_reason import StopReason


def test_each_seed_has_a_run_and_all_have_one_report(fitted, here, capsys):
    assert main(["solve", "mine.py", "--seeds", "3", "-o", "out", "--steps", "5"]) == 0
    assert [(call.seed, call.steps) for call in fitted.calls] == [(0, 5), (1, 5), (2, 5)]
    assert [str(call.checkpoints.folder) for call in fitted.calls] == ["out/seed-0", "out/seed-1", "out/seed-2"]
    assert Run.load(here / "out" / "seed-1").summary.problem == "poisson_1d"
    out = capsys.readouterr().out
    assert "3 runs: 3 solved; relative L2 error u 3.21e-07 ± 0" in out and "open out/seeds.html" in out
    assert (here / "out" / "seeds.html").read_text().startswith("<!doctype html>")


def test_an_interrupted_run_is_the_last_and_one_that_is_not_finite_fails(fitted, capsys):
    fitted.changes["stop_reason"] = StopReason.INTERRUPTED
    assert main(["solve", "mine.py", "--seeds", "3"]) == 0
    assert len(fitted.calls) == 1
    fitted.changes["stop_reason"] = StopReason.NOT_FINITE
    assert main(["solve", "mine.py", "--seeds", "2", "-q"]) == 1
    assert "not finite: seed-0, seed-1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "0"], "`--seeds` is a number of seeds"),
        (["--seeds", "2", "--seed", "1"], "leave out `--seed`"),
        (["--seeds", "2", "--resume"], "leave out `--resume`"),
        (["--seeds", "2", "--require", "1e-3"], "leave out `--require`"),
    ],
)
def test_options_of_a_single_run_are_refused(fitted, capsys, options, message):
    assert main(["solve", "mine.py", *options]) == 2
    assert message in capsys.readouterr().err and not fitted.calls
