"""Fits, end to end, on problems that take seconds."""

import dataclasses
import re

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import pinnkit
from pinnkit import (
    MLP,
    Callback,
    Condition,
    History,
    NTKWeighting,
    Phase,
    Problem,
    ProblemError,
    Run,
    RunFolderError,
    Strategy,
    Uniform,
    fit,
    levenberg_marquardt,
)
from pinnkit.runs.decisions import KeptStep
from pinnkit.runs.stop_reason import StopReason

from .problems_for_tests import LINE, decay_rate, poisson, stokes

QUICK = {"points": 24, "width": 8, "depth": 2}


class Watch(Callback):
    """Remembers what it is told."""

    def __init__(self, stop_at=None):
        self.events, self.stop_at = [], stop_at

    def start(self, event):
        self.events.append(event)

    def progress(self, event):
        self.events.append(event)
        return self.stop_at is not None and event.step >= self.stop_at

    def diagnostics(self, record):
        self.events.append(record)

    def end(self, summary):
        self.events.append(summary)


@pytest.fixture(scope="module")
def solved():
    return fit(poisson(), **QUICK)


def test_auto_solves_poisson(solved):
    assert solved.summary.relative_l2["u"] < 1e-4
    x = np.linspace(0, 1, 7)
    np.testing.assert_allclose(solved(x=x), np.sin(np.pi * x), atol=1e-3)
    assert solved(x=0.5).shape == ()
    with pytest.raises(TypeError, match=r"function of x; got \['y'\]"):
        solved(y=0.5)


def test_history_has_a_row_a_step_and_summary_ends_it(solved):
    history, summary = solved.history, solved.summary
    np.testing.assert_array_equal(history.step, np.arange(summary.steps))
    for column in (history.loss, history.gradient_norm, *history.losses.values(), *history.weights.values()):
        assert column.shape == (summary.steps,) and np.isfinite(column).all()
    total = 0.5 * sum(history.weights[k] * history.losses[k] for k in history.conditions)
    np.testing.assert_allclose(history.loss, total, rtol=1e-12)
    assert [stage.name for stage in history.phases] == ["gauss-newton"]
    assert summary.validation_loss in [check.validation_loss for check in history.checks]
    assert [history.diagnostics[0].step, history.diagnostics[-1].step] == [0, summary.steps]
    assert summary.spectrum.final.numerical_rank == history.diagnostics[-1].numerical_rank


def test_weights_keep_the_trace_of_the_kernel(solved):
    """Σ w_k tr K_kk stays what it is at unit weights, when the weights are fresh."""
    fresh = fit(poisson(), strategy="ntk-adam", steps=1, constraints="soft", **QUICK)
    weights, traces = fresh.summary.weights, fresh.history.diagnostics[0].block_traces
    balanced = [weights[name] * traces[name] for name in traces]
    np.testing.assert_allclose(balanced[0], balanced[1], rtol=0.2)  # the two use different points
    np.testing.assert_allclose(sum(balanced), sum(traces.values()), rtol=0.2)


def test_run_survives_its_folder(solved, tmp_path):
    solved.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")
    assert loaded.summary == solved.summary
    assert loaded.config == solved.run.config
    for field in dataclasses.fields(History):
        jax.tree.map(
            np.testing.assert_array_equal,
            *(comparable(getattr(h, field.name)) for h in (loaded.history, solved.history)),
        )
    np.testing.assert_array_equal(loaded.snapshot.fields["u"], solved.run.snapshot.fields["u"])


def test_a_saved_solution_can_be_loaded_and_evaluated(solved, tmp_path):
    folder = solved.save(tmp_path / "run")
    x = np.linspace(0, 1, 5)
    np.testing.assert_array_equal(pinnkit.load(folder, poisson())(x=x), solved(x=x))
    with pytest.raises(RunFolderError, match="belongs to another model"):
        pinnkit.load(folder, poisson(), MLP(LINE, width=9, depth=2))
    with pytest.raises(RunFolderError, match="run of problem 'poisson', not of 'decay_rate'"):
        pinnkit.load(folder, decay_rate())


def comparable(value):
    """Records as plain trees of arrays."""
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {f.name: comparable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    return value


def test_damaged_and_foreign_folders_are_refused(solved, tmp_path):
    with pytest.raises(RunFolderError, match=r"no summary\.json"):
        Run.load(tmp_path)
    for name in ("summary.json", "config.toml", "history.npz"):
        folder = tmp_path / name
        solved.save(folder)
        (folder / name).write_bytes((folder / name).read_bytes()[:40])
        with pytest.raises(RunFolderError, match="damaged"):
            Run.load(folder)


def test_same_seed_gives_the_same_bits_and_another_seed_another_run():
    runs = [fit(poisson(), strategy="ntk-adam", steps=30, seed=seed, **QUICK) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0].history.loss, runs[1].history.loss)
    assert not np.array_equal(runs[0].history.loss, runs[2].history.loss)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [0, 1, 37])
def test_steps_are_counted_exactly(steps):
    run = fit(poisson(), strategy="adam", steps=steps, **QUICK)
    assert run.summary.steps == len(run.history.loss) == steps
    assert run.summary.stop_reason is StopReason.STEPS


def test_steps_are_shared_among_phases():
    run = fit(poisson(), strategy="ssbroyden", steps=20, **QUICK)
    assert [(stage.name, stage.step) for stage in run.history.phases] == [("ntk-adam", 0), ("ssbroyden", 2)]


def test_budget_ends_the_fit():
    run = fit(poisson(), strategy="adam", budget=0.5, **QUICK)
    assert run.summary.stop_reason is StopReason.BUDGET


def test_target_ends_the_fit():
    run = fit(poisson(), target=1.0, **QUICK)
    assert run.summary.stop_reason is StopReason.TARGET and run.summary.validation_loss <= 1.0


def test_callbacks_see_the_run_and_can_end_it():
    watch = Watch(stop_at=100)
    run = fit(poisson(), strategy="adam", steps=1000, callbacks=[watch], **QUICK)
    kinds = [type(event).__name__ for event in watch.events]
    assert kinds[0] == "Start" and kinds[-1] == "Summary" and "Diagnostics" in kinds
    assert run.summary.stop_reason is StopReason.INTERRUPTED and run.summary.steps == 100


def test_plateau_ends_a_phase():
    phase = Phase("stuck", optax.set_to_zero(), steps=500, patience=100, check_every=50)
    assert fit(poisson(), strategy=Strategy("stuck", (phase,)), **QUICK).summary.steps == 150


@pytest.mark.parametrize("rate", [1e-1, 1e300])
def test_the_best_parameters_are_kept_where_later_ones_leave_more(rate):
    spoiling = Phase("spoiling", optax.sgd(rate), steps=40, check_every=10)
    phases = Phase("adam", optax.adam(1e-2), steps=300), spoiling
    solution = fit(poisson(), strategy=Strategy("spoilt", phases), **QUICK)
    checks, summary = solution.history.checks, solution.summary
    least = min(checks, key=lambda check: check.validation_loss)
    assert least.step <= 300
    assert summary.validation_loss == pytest.approx(least.validation_loss, rel=1e-6)
    assert any(isinstance(d, KeptStep) and d.step == least.step for d in solution.history.decisions)
    assert (summary.stop_reason is StopReason.NOT_FINITE) == (rate > 1) == (summary.stop_detail is not None)


def test_an_optax_optimizer_works_as_it_is():
    run = fit(poisson(), strategy=optax.adam(5e-3), steps=200, **QUICK)
    assert run.summary.learning_rate is None
    assert run.history.loss[-1] < run.history.loss[0] / 10


def test_gradient_descent_comes_down_steadily():
    run = fit(poisson(), strategy="gradient-descent", steps=300, **QUICK)
    assert run.summary.validation_loss < run.history.checks[0].validation_loss
    assert run.history.loss.max() <= 1.5 * run.history.loss[0]
    assert run.summary.learning_rate <= run.history.diagnostics[-1].stable_learning_rate


def test_single_precision_trains_in_single_and_measures_in_double():
    run = fit(poisson(), precision="single", steps=50, **QUICK)
    assert run.summary.strategy == "ntk-adam"
    assert {leaf.dtype for leaf in jax.tree.leaves(run.state.params)} == {np.dtype("float32")}
    assert run.history.diagnostics[-1].eigenvalues.dtype == np.float64
    with pytest.raises(ValueError, match="needs precision 'double'"):
        fit(poisson(), strategy="gauss-newton", precision="single")


@pytest.mark.slow
def test_unknown_coefficient_is_found():
    run = fit(decay_rate(), **QUICK)
    np.testing.assert_allclose(run.coefficients["k"], 2.0, rtol=1e-3)


@pytest.mark.slow
def test_a_system_with_a_vector_field_is_solved():
    run = fit(stokes(), points=150, width=10, depth=2, target=1e-6)
    assert run.summary.relative_l2["velocity"] < 1e-3
    assert run.summary.relative_l2["p"] < 1e-3
    assert run(x=0.5, y=[0.25, 0.5])["velocity"].shape == (2, 2)


class Net(nnx.Module):
    def __init__(self, rngs):
        self.first, self.last = nnx.Linear(1, 8, rngs=rngs), nnx.Linear(8, 1, rngs=rngs)
        self.norm, self.dropout = nnx.BatchNorm(8, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.last(self.dropout(self.norm(jnp.tanh(self.first(x[:, 0:1])))))


MODELS = {
    "nnx, for a batch, with BatchNorm and Dropout": lambda: Net(nnx.Rngs(0)),
    "equinox": lambda: eqx.nn.MLP(1, "scalar", 8, 2, jnp.tanh, key=jax.random.key(0)),
    "functions": lambda: (
        lambda key: {"a": jax.random.normal(key, (8,)), "b": jnp.ones(8), "c": jnp.ones(8)},
        lambda params, x: params["c"] @ jnp.tanh(params["a"] * x[0] + params["b"]),
    ),
    "built in": lambda: MLP(LINE, width=8, depth=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_every_kind_are_trained_and_given_back(name):
    model = MODELS[name]()
    before = jax.tree.map(np.array, nnx.state(model, nnx.Param)) if isinstance(model, nnx.Module) else None
    run = fit(poisson(), model, strategy="adam", steps=5, points=24)
    if before is not None:
        jax.tree.map(np.testing.assert_array_equal, jax.tree.map(np.array, nnx.state(model, nnx.Param)), before)
        run.model.eval()
    if name != "functions":
        assert type(run.model) is type(model)
        with jax.enable_x64(True):
            one = run.model(jnp.array([[0.3]]) if "nnx" in name else jnp.array([0.3]))
        np.testing.assert_allclose(np.ravel(one), run(x=[0.3]), rtol=1e-12)


def test_the_caller_keeps_its_own_precision():
    fit(poisson(), strategy="adam", steps=1, **QUICK)
    assert not jax.config.jax_enable_x64 and jnp.ones(1).dtype == np.float32


def exploding():
    conditions = {
        "fine": Condition(lambda u: u, on=LINE.boundary("x")),
        "bad": Condition(lambda u, x: jnp.log(u + 4.0 - x), on=LINE.interior),
    }
    return Problem("exploding", LINE, conditions)


def test_values_that_are_not_finite_end_the_fit_and_are_named():
    run = fit(exploding(), strategy=optax.sgd(50.0), steps=100, weights={"bad": 1.0}, **QUICK)
    assert run.summary.stop_reason is StopReason.NOT_FINITE
    assert re.match(r".* of condition 'bad' at x = .*, at step \d+", run.summary.stop_detail)
    assert np.isfinite(run.summary.loss)
    chex.assert_tree_all_finite(run.state.params)


def test_a_residual_that_is_not_finite_from_the_start_is_refused():
    conditions = {"pde": Condition(lambda u, x: jnp.log(0 * u + 0.5 - x), on=LINE.interior)}
    with pytest.raises(ProblemError, match=r"not finite before the first step .* condition 'pde' at x = 0\.[5-9]"):
        fit(Problem("undefined", LINE, conditions), **QUICK)


@pytest.mark.slow
def test_a_phase_can_redraw_weigh_and_search_as_it_likes():
    optimizer = optax.chain(pinnkit.gauss_newton(1e-6), optax.scale_by_backtracking_linesearch(10))
    phases = (
        Phase(
            "weighted",
            optax.scale_by_adam(),
            pinnkit.ConstantLearningRate(1e-3),
            NTKWeighting(every=5),
            steps=10,
        ),
        Phase("searched", optimizer, steps=10),
        Phase("damped", levenberg_marquardt(), steps=10),
    )
    run = fit(poisson(), strategy=Strategy("mine", phases, Uniform(redraw=1)), **QUICK)
    assert run.summary.steps == 30
    assert run.summary.validation_loss < 1e-2


REFUSED = {
    "strategy": ({"strategy": "sgd"}, ValueError, "unknown strategy 'sgd'.* Choose one of auto, adam"),
    "strategy of another type": ({"strategy": 3}, TypeError, "a strategy is a name"),
    "weighting": ({"weighting": "ntk"}, ValueError, "unknown weighting 'ntk'.* Choose one of trace, largest"),
    "weighting of another type": ({"weighting": 3}, TypeError, "a weighting is a name"),
    "steps": ({"steps": -1}, ValueError, "whole number from 0 to 2³¹ − 1, got -1"),
    "budget": ({"budget": 0.0}, ValueError, "`budget` is a finite number > 0"),
    "target": ({"target": float("nan")}, ValueError, "`target` is a finite number > 0"),
    "seed": ({"seed": -1}, ValueError, "`seed` is a whole number"),
    "precision": ({"precision": "half"}, ValueError, "'double' or 'single'"),
    "points": ({"points": 0}, ProblemError, "whole number from 1 to"),
    "weights": ({"weights": {"wall": 1.0}}, ProblemError, "unknown condition"),
    "callback": ({"callbacks": [print]}, TypeError, "is a `pinnkit.Callback`"),
    "width": ({"width": 0}, ValueError, "≥ 1"),
    "model of another type": ({"model": 3.0}, TypeError, "a model is an `nnx.Module`"),
    "inputs": (
        {"model": MLP(pinnkit.Box(x=(0.0, 1.0), y=(0.0, 1.0)))},
        ValueError,
        r"does not accept points with 1 coordinate\(s\)",
    ),
    "outputs": ({"model": MLP(LINE, outputs=2)}, ProblemError, r"2 output\(s\).*needs 1"),
    "width of a given model": (
        {"model": MLP(LINE), "width": 3},
        ValueError,
        "cannot be given with a `model`",
    ),
    "parameters not finite": (
        {"model": (lambda key: jnp.array([jnp.nan]), lambda p, x: p * x)},
        ProblemError,
        "not finite",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    changes, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message) as caught:
        fit(poisson(), **changes)
    assert "\n" not in str(caught.value)


def test_a_reference_that_is_not_finite_is_refused_before_anything_is_computed(tmp_path):
    watch = Watch()
    broken = dataclasses.replace(poisson(), reference=lambda x: np.where(x > 0.5, np.inf, x))
    with pytest.raises(ProblemError, match=r"is infinite for field 'u' at x = 0\.501$"):
        fit(broken, callbacks=[watch], checkpoints=tmp_path / "run")
    assert watch.events == [] and not (tmp_path / "run").exists()


def test_the_kernel_before_training_needs_no_fit():
    record = pinnkit.diagnose(poisson(), points=20, width=6, depth=1)
    assert record.modes == 22 and 0 < record.numerical_rank <= 22
    np.testing.assert_allclose(record.residual_share.sum(), 1.0)
    assert record.kernel_drift == 0.0


@pytest.mark.slow
def test_a_source_of_500_terms_is_solved():
    share = np.pi**2 / 500
    source = lambda x: sum(share * jnp.sin(jnp.pi * x) for _ in range(500))
    problem = pinnkit.Problem(
        name="long",
        domain=LINE,
        conditions={
            "pde": pinnkit.Condition(lambda u, x: u.xx + source(x), on=LINE.interior),
            "ends": pinnkit.Condition(lambda u, x: u - source(x) * 0.0, on=LINE.boundary("x")),
        },
        reference=lambda x: np.sin(np.pi * x),
    )
    solution = pinnkit.fit(problem, strategy="gauss-newton", steps=15, points=32, width=8, depth=1)
    assert solution.summary.relative_l2["u"] < 1e-4
