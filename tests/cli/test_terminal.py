"""What people type at a terminal, and what they read there."""

import json
import re
import types

import numpy as np
import pytest

import pinnkit
from pinnkit.cli import doctor
from pinnkit.cli.app import main
from pinnkit.cli.options import in_flags, joined_settings
from pinnkit.report.live import LiveFile, watch
from pinnkit.report.progress import ConsoleProgress
from pinnkit.runs.stop_reason import StopReason

from ..problems_for_tests import poisson
from ..report.synthetic import make_run
from ..report.test_console import START
from .test_cli import error_of


def options_of(fitted, *tokens):
    assert main(["solve", "mine.py", "-q", *tokens]) == 0
    return fitted.calls[-1]


def test_numbers_are_typed_as_people_write_them(fitted):
    assert options_of(fitted, "--steps", "1e4").steps == 10_000
    for text, seconds in (("90", 90.0), ("90s", 90.0), ("2m", 120.0), ("1.5h", 5400.0), ("1e2", 100.0)):
        assert options_of(fitted, "--budget", text).budget == seconds
    assert options_of(fitted, "--set", "nu", "2e-2").problem.coefficients["nu"] == 0.02
    assert options_of(fitted, "--set", "nu=0.03", "--seed", "3").problem.coefficients["nu"] == 0.03
    assert joined_settings(["--set", "a", "-1", "x"]) == ["--set", "a=-1", "x"]
    assert joined_settings(["--set", "a", "b"]) == ["--set", "a", "b"]


def test_short_options(fitted, here):
    assert main(["solve", "mine.py", "-o", "there", "-q"]) == 0
    assert (here / "there" / "summary.json").is_file()


def test_a_required_accuracy_is_the_exit_status(fitted, capsys):
    worst = max(make_run().summary.relative_l2.values())
    assert main(["solve", "mine.py", "-q", "--require", str(2 * worst)]) == 0
    assert main(["solve", "mine.py", "-q", "--overwrite", "--require", str(worst / 2)]) == 3
    assert "relative L2 error" in capsys.readouterr().err
    fitted.changes.update(relative_l2=None, max_error=None, validation_loss=1e-3)
    assert main(["solve", "mine.py", "-q", "--overwrite", "--require", "1e-4"]) == 3
    assert "the validation loss is 0.001, more than the 0.0001 of `--require`" in capsys.readouterr().err
    fitted.changes.update(stop_reason=StopReason.NOT_FINITE)
    assert main(["solve", "mine.py", "-q", "--overwrite", "--require", "1"]) == 1


def test_refusals_name_the_flags(capsys):
    assert "`--learning-rate` is a finite number > 0" in error_of(
        capsys, "solve", "mine.py", "-q", "--strategy", "adam", "--learning-rate", "-1"
    )
    assert in_flags("leave out `sampler`, `u.x` stays") == "leave out `--sampler`, `u.x` stays"


def test_help_has_groups_and_examples(capsys):
    assert main(["solve", "--help"]) == 0
    text = capsys.readouterr().out
    groups = [text.index(name) for name in ("Problem and run folder", "When to stop", "Network and training", "Output")]
    assert groups == sorted(groups)
    assert "--set nu 0.02 --budget 2m" in text and "default: False" not in text


def test_problems_are_one_line_each_in_a_pipe_and_have_equations_as_json(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["problems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 14 and all(re.match(r"\w+ {2,}\S", line) for line in lines)
    from pinnkit.equations import entries

    few = {"burgers": "Burgers' equation", "gone": "cannot be imported"}
    monkeypatch.setattr(entries, "problem_descriptions", lambda: few)
    assert main(["problems", "--json"]) == 0
    burgers, gone = json.loads(capsys.readouterr().out)
    assert burgers["coordinates"] == {"x": [-1.0, 1.0], "t": [0.0, 1.0]} and burgers["fields"] == {"u": 1}
    pde = burgers["equations"][0]
    assert (pde["condition"], pde["text"]) == ("pde", "u_t + u u_x − ν u_xx")
    assert pde["latex"].startswith("{u}_{t}") and pde["where"] == "on −1 < x < 1, 0 < t < 1"
    assert "there is no problem 'gone'" in gone["error"]


def test_the_report_is_short_unless_all_is_wanted(here, capsys):
    make_run().save(here / "run")
    assert main(["report", "run"]) == 0
    short = capsys.readouterr().out
    assert main(["report", "run", "--full"]) == 0
    full = capsys.readouterr().out
    assert "`pinnkit report run --full`" in short and "Kernel: " in short
    assert len(full.splitlines()) > len(short.splitlines()) + 15


def test_watching_says_where_an_interrupted_fit_can_be_resumed(tmp_path, monkeypatch):
    class Interrupts(pinnkit.Callback):
        def progress(self, event):
            if event.step >= 20:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pinnkit.fit(
            poisson(),
            strategy="adam",
            steps=500,
            points=6,
            width=4,
            depth=1,
            checkpoints=tmp_path,
            callbacks=[Interrupts()],
        )
    file = LiveFile(tmp_path)
    file.start(START)
    text = watch(tmp_path, ConsoleProgress(plain=True), sleep=lambda _: file.close())
    assert re.fullmatch(rf"interrupted at step \d+; resume with `pinnkit solve poisson -o {tmp_path} --resume`", text)
    with pytest.raises(pinnkit.RunFolderError, match="no running fit .*: interrupted at step"):
        watch(tmp_path, ConsoleProgress(plain=True))


def test_the_doctor_shows_the_machine_and_the_extras(capsys, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    for word in ("cores", "memory", "GiB", "OPENBLAS_NUM_THREADS=3", "extra data", "xarray", "driver"):
        assert word in text
    client = types.SimpleNamespace(platform_version="PJRT C API\ncuda 12090")
    gpu, cpu = (types.SimpleNamespace(client=client, platform=name) for name in ("gpu", "cpu"))
    assert doctor.driver(gpu) == "PJRT C API cuda 12090" and doctor.driver(cpu) == "no accelerator in use"
    assert np.all([part.isdigit() for part in doctor.cores().split(" of ")])
