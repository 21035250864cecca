"""Fits that are interrupted and resumed: the same end, and refusals where it would be another run."""

import os
import signal

import jax
import msgspec
import numpy as np
import optax
import pytest

import pinnkit
from pinnkit import (
    MLP,
    Callback,
    Checkpoints,
    CheckpointWarning,
    Condition,
    ConstantLearningRate,
    Interrupted,
    NTKWeighting,
    Phase,
    Problem,
    ResidualAdaptive,
    RunFolderError,
    Strategy,
    Terminated,
    fit,
)
from pinnkit.automatic.choices import Choices
from pinnkit.automatic.feature_networks import OUTPUT_LAYER
from pinnkit.cli.app import main
from pinnkit.report import LiveFile
from pinnkit.runs.decisions import Attempt
from pinnkit.runs.resume.fingerprint import plain, problem_identity
from pinnkit.runs.stop_reason import StopReason
from pinnkit.runs.storage.checkpoint_folder import checkpoints, newest_intact

from ..problems_for_tests import LINE, decay_rate, poisson

SMALL = {"points": 16, "width": 6, "depth": 1}
SECONDS = ("phase_seconds", "phase_memory", "check_seconds", "decision", "decision_data")

TWO_PHASES = Strategy(
    "two",
    (
        Phase("first", optax.scale_by_adam(), ConstantLearningRate(1e-2), NTKWeighting(every=7), 40, check_every=10),
        Phase("second", optax.adam(1e-3), steps=40, check_every=10),
    ),
    ResidualAdaptive(redraw=3),
)


class At(Callback):
    """Does something at a step, or as soon after it as somebody looks."""

    def __init__(self, step, what):
        self.step, self.what = step, what

    def progress(self, event):
        if event.step >= self.step:
            self.what()


class Died(Exception):
    pass


def die():
    raise Died


def timeless(decisions):
    """Decisions without the seconds of what was attempted."""
    blank = {"began": 0.0, "seconds": 0.0, "predicted_seconds": None}
    return [msgspec.structs.replace(d, **blank) if isinstance(d, Attempt) else d for d in decisions]


def assert_same_end(one, other):
    jax.tree.map(np.testing.assert_array_equal, one._params, other._params)
    variables = other.history.variables
    assert set(one.history.variables) == set(variables)
    for name, variable in one.history.variables.items():
        if name not in SECONDS:
            np.testing.assert_array_equal(variable.values, variables[name].values, err_msg=name)
    assert timeless(one.history.decisions) == timeless(other.history.decisions)
    assert (
        one.summary.validation_losses == other.summary.validation_losses
        and one.summary.stop_reason == other.summary.stop_reason
    )


@pytest.mark.parametrize(
    ("problem", "arguments", "step"),
    [
        (poisson(), {"strategy": TWO_PHASES, **SMALL}, 20),
        pytest.param(poisson(), {"strategy": TWO_PHASES, **SMALL}, 70, marks=pytest.mark.slow),
        pytest.param(poisson(), {"strategy": TWO_PHASES, "precision": "single", **SMALL}, 50, marks=pytest.mark.slow),
        pytest.param(decay_rate(), {"strategy": "gauss-newton", "steps": 30, **SMALL}, 15, marks=pytest.mark.slow),
        pytest.param(poisson(), {}, 0, marks=pytest.mark.slow),
    ],
    ids=["first phase", "second phase", "single precision", "data and a coefficient", "sines"],
)
def test_the_end_is_the_same_to_the_last_bit(tmp_path, problem, arguments, step):
    undisturbed = fit(problem, **arguments)
    with pytest.raises(Died):
        fit(problem, **arguments, checkpoints=tmp_path / "run", callbacks=[At(step, die)])
    manifest = newest_intact(tmp_path / "run")[1]
    assert not manifest.finished and manifest.step <= max(step, 1)
    resumed = fit(problem, **arguments, resume=tmp_path / "run")
    assert_same_end(resumed, undisturbed)
    assert resumed.run.config["resumed"] == [manifest.step]
    again = fit(problem, **arguments, resume=tmp_path / "run")  # nothing is left to be done
    assert_same_end(again, undisturbed)


@pytest.mark.slow
def test_a_deep_network_after_random_features_resumes_to_the_same_end(tmp_path):
    hopeless = {"target": 1e-9, "choices": Choices(bandwidth=96.0, unknowns=(4,))}
    undisturbed = fit(poisson(), **hopeless)
    stages, end = undisturbed.history.phases, undisturbed.summary.steps
    assert stages[0].name == OUTPUT_LAYER and len(stages) > 1 and end > stages[1].step + 20
    with pytest.raises(Died):
        fit(
            poisson(),
            **hopeless,
            checkpoints=Checkpoints(tmp_path, every_steps=1),
            callbacks=[At(stages[1].step + 20, die)],
        )
    resumed = fit(poisson(), **hopeless, resume=tmp_path)
    assert_same_end(resumed, undisturbed)
    assert resumed.run.config["resumed"] == [stages[1].step + 10]


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """A folder with a fit that died."""
    folder = tmp_path_factory.mktemp("unfinished") / "run"
    plan = Checkpoints(folder, None, every_steps=10, keep=2)
    with pytest.raises(Died):
        fit(poisson(), strategy=TWO_PHASES, **SMALL, checkpoints=plan, callbacks=[At(40, die)])
    assert [place.name for place in checkpoints(folder)] == ["38", "28"]
    return folder


CHANGED = Problem("poisson", LINE, {**poisson().conditions, "pde": Condition(lambda u: u.xx, on=LINE.interior)})

REFUSED = {
    "another problem": (lambda f: fit(decay_rate(), resume=f), "holds a run of problem 'poisson', not of 'decay_rate'"),
    "another equation": (
        lambda f: fit(CHANGED, strategy=TWO_PHASES, **SMALL, resume=f),
        r"differs in: equation of pde, residual of pde \(\S+, now \S+\); resume",
    ),
    "other settings": (
        lambda f: fit(poisson(), strategy=TWO_PHASES, **{**SMALL, "points": 17}, seed=3, resume=f),
        r"points \(16, now 17\), seed \(0, now 3\); resume it",
    ),
    "another strategy": (lambda f: fit(poisson(), strategy="adam", **SMALL, resume=f), "differs in: strategy "),
    "another kind of network": (
        lambda f: fit(poisson(), MLP(LINE, width=6, depth=1, seed=9), TWO_PHASES, points=16, resume=f),
        r"differs in: .*model \(none, now MLP\)",
    ),
    "another network": (
        lambda f: fit(poisson(), strategy=TWO_PHASES, **SMALL, constraints="soft", resume=f),
        r"differs in: constraints \(none, now soft\); resume",
    ),
    "an unfinished run": (lambda f: fit(poisson(), **SMALL, checkpoints=f), "holds an unfinished run, at step 38"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_run_is_refused_with_the_difference(unfinished, name):
    call, message = REFUSED[name]
    with pytest.raises(RunFolderError, match=message):
        call(unfinished)
    assert [place.name for place in checkpoints(unfinished)] == ["38", "28"]


def test_another_version_is_refused_and_another_jax_is_warned_of(unfinished, monkeypatch):
    arguments = {"strategy": TWO_PHASES, **SMALL, "resume": unfinished, "callbacks": [At(0, die)]}
    versions = pinnkit.fitting.versions()
    monkeypatch.setattr(pinnkit.fitting, "versions", lambda: {**versions, "pinnkit": "99"})
    with pytest.raises(RunFolderError, match=r"was begun with pinnkit .*; this is 99, which cannot go on"):
        fit(poisson(), **arguments)
    monkeypatch.setattr(pinnkit.fitting, "versions", lambda: {**versions, "jax": "99"})
    with pytest.warns(CheckpointWarning, match="was begun with jax .*: its end will not be the same to the last bit"):
        with pytest.raises(Died):
            fit(poisson(), **arguments)


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGTERM, Terminated), (signal.SIGINT, Interrupted)])
def test_a_signal_saves_the_state_and_ends_the_fit(tmp_path, number, kind):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    send = At(40, lambda: signal.raise_signal(number))
    with pytest.raises(kind, match=rf"^stopped by {number.name}; the state of step 38 is in '.*', to be resumed$"):
        fit(poisson(), strategy=TWO_PHASES, **SMALL, checkpoints=Checkpoints(tmp_path, None), callbacks=[send])
    assert newest_intact(tmp_path)[1].step == 38
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
    assert ".lock" not in os.listdir(tmp_path)


def test_handlers_of_others_are_left_alone(tmp_path, monkeypatch):
    came = []
    monkeypatch.setattr(signal, "default_int_handler", signal.default_int_handler)
    old = signal.signal(signal.SIGTERM, lambda *_: came.append(1))
    try:
        send = At(40, lambda: signal.raise_signal(signal.SIGTERM))
        solution = fit(poisson(), strategy=TWO_PHASES, **SMALL, checkpoints=tmp_path, callbacks=[send])
    finally:
        signal.signal(signal.SIGTERM, old)
    assert came and solution.summary.stop_reason is StopReason.STEPS


def test_without_a_place_to_save_nothing_is_touched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(poisson(), strategy="adam", steps=10, **SMALL)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_the_command_line_goes_on_with_the_settings_of_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["solve", "poisson_1d", "--points", "16", "--width", "6", "--depth", "1", "--output", "run", "--quiet"]
    settings = ["--strategy", "adam", "--steps", "300", "--checkpoint-steps", "100"]
    monkeypatch.setattr(LiveFile, "progress", lambda self, event: event.step > 150 and die())
    with pytest.raises(Died):
        main(["--debug", *words, *settings])
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(["solve", "poisson_1d", "--output", "run", "--steps", "400", "--resume"]) == 2
    assert "differs in: steps (300, now 400)" in capsys.readouterr().err
    assert main(["solve", "poisson_1d", "--output", "run"]) == 2
    assert "holds an unfinished run, at step 100" in capsys.readouterr().err
    assert main(["solve", "poisson_1d", "--output", "run", "--resume", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    run = pinnkit.Run.load(tmp_path / "run")
    assert run.summary.steps == 300 and run.config["resumed"] == [100]
    assert main(["solve", "poisson_1d", *words[2:8], *settings, "--output", "run", "--quiet"]) == 0  # it was finished


def folder_of(path):
    """Every file in a folder: its content and when it was written."""
    return {p.relative_to(path): (p.read_bytes(), p.stat().st_mtime_ns) for p in path.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.filterwarnings("default::pinnkit.CheckpointWarning")
def test_one_command_begins_goes_on_and_is_finished(tmp_path, monkeypatch, capsys):
    """As a job script has it: the same line each time, whatever there is."""
    monkeypatch.chdir(tmp_path)
    job = ["solve", "poisson_1d", "--points", "16", "--width", "6", "--depth", "1", "--output", "run", "--quiet"]
    job += ["--strategy", "adam", "--steps", "300", "--checkpoint-steps", "100", "--resume"]
    with monkeypatch.context() as broken:
        broken.setattr(LiveFile, "progress", lambda self, event: event.step > 150 and die())
        with pytest.raises(Died):
            main(["--debug", *job])
    assert capsys.readouterr().err == ("pinnkit: warning: nothing is saved in 'run' yet: beginning from the start\n")
    assert newest_intact(tmp_path / "run")[1].step == 100
    assert main(job) == 0
    assert capsys.readouterr() == ("", "")
    assert pinnkit.Run.load("run").config["resumed"] == [100]
    before = folder_of(tmp_path / "run")
    assert main([word for word in job if word != "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert (
        out.startswith("finished: step limit reached; ")
        and len(out.splitlines()) == 1
        and err.startswith("pinnkit 0.1.0 · ")
    )
    assert folder_of(tmp_path / "run") == before
    assert main([*job, "--seed", "5"]) == 2
    assert "differs in: seed (0, now 5)" in capsys.readouterr().err
    (tmp_path / "run" / "summary.json").unlink()  # killed before the results were written
    assert main(job) == 0
    assert pinnkit.Run.load("run").summary.steps == 300


def test_a_fit_to_be_resumed_where_nothing_is_saved_begins_with_a_warning(tmp_path):
    with pytest.warns(CheckpointWarning, match="nothing is saved in '.*' yet: beginning from the start"):
        solution = fit(poisson(), strategy="adam", steps=20, **SMALL, resume=tmp_path / "run")
    assert newest_intact(tmp_path / "run")[1].finished and "resumed" not in solution.run.config


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{}, {"layout": 1}])
def test_a_checkpoint_of_another_jax_goes_on_though_equations_and_programs_are_written_in_other_words(
    unfinished, tmp_path, monkeypatch, changed
):
    import shutil

    shutil.copytree(unfinished, tmp_path / "run")
    arguments = {"strategy": TWO_PHASES, **SMALL, "resume": tmp_path / "run"}
    versions, text = pinnkit.fitting.versions(), jax.stages.Lowered.as_text
    monkeypatch.setattr(pinnkit.fitting, "versions", lambda: {**versions, "jax": "98"})
    monkeypatch.setattr("pinnkit.equations.trace.Equation.text", property(lambda self: "in other words"))
    monkeypatch.setattr(jax.stages.Lowered, "as_text", lambda self: text(self) + "in other words")
    if changed:
        network = lambda *_: {"network": "0" * 16, "hard constraints": "walls"}
        monkeypatch.setattr(pinnkit.fitting, "network_identity", network)
        with pytest.raises(
            RunFolderError, match=r"differs in: network; it was begun with jax \S+; resume it with what"
        ):
            fit(poisson(), **arguments)
        return
    with pytest.warns(CheckpointWarning, match="was begun with jax"):
        solution = fit(poisson(), **arguments)
    monkeypatch.undo()
    assert solution.summary.steps == 80 and set(solution.run.config["resumed"]) == {38}
    np.testing.assert_allclose(solution.history.loss, fit(poisson(), strategy=TWO_PHASES, **SMALL).history.loss)


def test_what_identifies_a_run_is_the_same_in_every_process_and_tells_runs_apart():
    assert problem_identity(poisson()) == problem_identity(poisson())
    other = problem_identity(poisson().with_coefficients())
    assert other == problem_identity(poisson())
    found, changed = problem_identity(decay_rate()), problem_identity(CHANGED)
    assert found["unknown coefficient k"] == "Unknown(initial=1.0, positive=True)"
    assert {k for k, v in problem_identity(poisson()).items() if changed[k] != v} == {
        "equation of pde",
        "residual of pde",
    }
    assert "0x" not in plain(TWO_PHASES)


def test_weights_for_other_tools(tmp_path):
    import safetensors.numpy

    solution = fit(poisson(), strategy="adam", steps=5, constraints="soft", **SMALL)
    found = safetensors.numpy.load_file(solution.save_weights(tmp_path / "w.safetensors"))
    assert {name: array.shape for name, array in found.items()} == {
        "network/hidden/0/weight": (6, 1),
        "network/hidden/0/bias": (6,),
        "network/head/weight": (1, 6),
        "network/head/bias": (1,),
    }
    x = np.array([0.3])
    hidden = np.tanh(found["network/hidden/0/weight"] @ (2 * x - 1) + found["network/hidden/0/bias"])
    value = found["network/head/weight"] @ hidden + found["network/head/bias"]
    np.testing.assert_allclose(value, solution(x=x), rtol=1e-12)
    with pytest.raises(RunFolderError, match="cannot write to"):
        solution.save_weights(tmp_path / "w.safetensors" / "x")
