"""Synthetic runs: every figure is prescribed, nothing is trained."""

import dataclasses

import msgspec
import numpy as np

from pinnkit.diagnostics.condition_check import ConditionCheck, RowCheck, Scattered
from pinnkit.diagnostics.linear_theory import Prediction, Theory
from pinnkit.diagnostics.record import LEADING_MODES, ConditionFrequency, Diagnostics, Eigenvector, ResidualShape
from pinnkit.ntk.frequency import ModeFrequency
from pinnkit.ntk.spectrum import Spectrum
from pinnkit.runs.decisions import Note
from pinnkit.runs.declaration import Declaration
from pinnkit.runs.events import Check, Stage
from pinnkit.runs.grid_fields import GridFields
from pinnkit.runs.history import History
from pinnkit.runs.run_folder import Run
from pinnkit.runs.stop_reason import StopReason
from pinnkit.runs.summary import Seconds, Spectra, SpectrumSummary, Summary


def make_record(step=0, names=("pde", "walls"), rank=40, n=64, largest=1e3, **changes) -> Diagnostics:
    """A geometric spectrum that crosses the noise floor at `rank`; blocks of half the size."""

    def spectrum(n, rank, largest):
        floor = largest * 1e-20
        values = np.full(n, floor / 3)
        values[:rank] = largest * np.geomspace(1, 1e-18, rank)
        return Spectrum(values, n, floor, "as given", np.full(n, floor), "float64", "jacobian", trace=values.sum())

    record = Diagnostics(
        step=step,
        phase="ntk-adam" if step < 500 else "gauss-newton",
        spectrum=spectrum(n, rank, largest),
        blocks={name: spectrum(n // 2, rank // 2, largest / 10**i) for i, name in enumerate(names)},
        block_traces=dict.fromkeys(names, 30.0),
        mode_coefficients=np.geomspace(1, 1e-3, n),
        kernel_drift=0.1,
        kernel_alignment=0.9,
        mode_frequencies={i: make_frequency(i, names[0]) for i in (*range(min(rank, LEADING_MODES)), 30) if i < rank},
        horizon=100,
        points=dict.fromkeys(names, n // 2),
        weights=dict.fromkeys(names, 1.0),
        shapes=tuple(make_shape(name) for name in names),
        eigenvectors=tuple(make_eigenvector(i, n // 2) for i in (0, 1, 2, 3, 30) if i < rank),
        places={name: {"x": np.linspace(0, 1, n // 2)} for name in names},
    )
    return dataclasses.replace(record, **changes)


def make_eigenvector(mode, n) -> Eigenvector:
    """A sine of as many half-waves as the index of the mode."""
    return Eigenvector(mode, np.sin(np.pi * (mode + 1) * np.linspace(0, 1, n)))


def make_shape(condition="pde", **changes) -> ResidualShape:
    """A residual of five half-waves, spread over the domain."""
    shape = ResidualShape(
        condition=condition,
        component=None,
        points=200,
        mean_square=1.0,
        frequency=ModeFrequency({"x": 5}, 0.8),
        concentration=0.2,
        place={"x": 0.5},
        spread={"x": 0.6},
    )
    return dataclasses.replace(shape, **changes)


def make_theory(n=64) -> Theory:
    return Theory(np.geomspace(1, 1e-6, n), np.geomspace(1, 1e-3, n), 0.0, np.zeros(n), 0)


def make_prediction(start=100, end=500, error=0.05, n=64) -> Prediction:
    """A prediction with this relative error of the loss."""
    theory = make_theory(n)
    predicted = theory.after(np.full(end - start, 0.1))
    return Prediction(start, end, theory.rates, theory.coefficients, predicted, predicted * np.sqrt(1 - error))


def make_frequency(half_waves, condition="pde") -> ConditionFrequency:
    return ConditionFrequency(condition, None, 0.95, ModeFrequency({"x": half_waves}, 0.9))


def make_history(names=("pde", "walls"), fields=("u",), steps=800, last=1e-12) -> History:
    """Losses that fall geometrically to `last` and a rate that is unknown in the second of two phases."""
    rng = np.random.default_rng(0)
    loss = np.geomspace(10, last, steps) * np.exp(0.3 * rng.standard_normal(steps))
    rate = np.where(np.arange(steps) < 500, np.geomspace(3e-3, 1e-4, steps), np.nan)
    checks = [
        Check(
            step=at,
            seconds=at / 100,
            validation_loss=float(1.5 * loss[at - 1]),
            validation_losses={name: float(loss[at - 1]) for name in names},
            relative_l2={name: float(np.sqrt(loss[at - 1])) for name in fields},
        )
        for at in range(100, steps + 1, 100)
    ]
    return History(
        conditions=tuple(names),
        coordinates=("x",),
        step=np.arange(steps),
        loss=loss,
        losses={name: loss / (i + 1) for i, name in enumerate(names)},
        gradient_norm=np.sqrt(loss),
        learning_rate=rate,
        weights={name: np.linspace(1, 10 * (i + 1), steps) for i, name in enumerate(names)},
        checks=checks,
        diagnostics=[
            make_record(at, names, rank=40 + i, prediction=make_prediction() if at == 500 else None)
            for i, at in enumerate((0, 10, 100, 500, steps))
        ],
        phases=[Stage("ntk-adam", 0, 0.5, 10**8), Stage("gauss-newton", 500, 5.0, 2 * 10**8)],
        decisions=[Note("points: 128 for 'pde', the default of problems with one coordinate")],
    )


def make_grid_fields(coordinates=("x",), fields=(("u", 1),), reference=True) -> GridFields:
    """Sines on a grid of 41 points along each coordinate."""
    size = {1: 41, 2: 41, 3: 9}.get(len(coordinates))
    axes = [] if size is None else [np.linspace(-1, 1 + i, size + i) for i in range(len(coordinates))]
    shape = tuple(len(axis) for axis in axes)
    rng = np.random.default_rng(0)
    points = (
        np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1)
        if axes
        else rng.uniform(size=(100, len(coordinates)))
    )
    base = np.prod(np.sin(np.pi * points), axis=1)
    values = {name: base if m == 1 else np.stack([base * (i + 1) for i in range(m)], -1) for name, m in fields}
    noisy = {name: v + 1e-4 * rng.standard_normal(v.shape) for name, v in values.items()}
    spread = rng.uniform(-1, 1, size=(200, len(coordinates)))
    return GridFields(
        tuple(coordinates),
        points,
        shape,
        noisy,
        values if reference else {},
        collocation={"pde": spread[:50], "walls": spread[:10]},
        residuals={"pde": Scattered(spread, 1e-5 * rng.standard_normal((200, 1)))},
    )


def make_declaration(conditions=("pde", "walls"), **changes) -> Declaration:
    """Poisson's equation on a line."""
    declared = Declaration(
        fields=("u(x)",),
        domain="Box(x=(-1, 1))",
        equations={name: (("u_xx + π² sin(π x) = 0", "on −1 < x < 1"),) for name in conditions},
        coefficients={"nu": "= 0.01"},
        reference="exact(x)",
        units={},
        titles={},
    )
    return msgspec.structs.replace(declared, **changes)


def make_check(*relative: float, hard: bool = False, **changes) -> ConditionCheck:
    """A condition whose rows have these sizes relative to terms of size 2; by default one small row."""
    rows = tuple(RowCheck(hard, 2 * r, 6 * r, {"x": 0.25}, 2.0, r) for r in relative or (1e-5,))
    return msgspec.structs.replace(ConditionCheck(False, True, 10.0, rows), **changes)


def make_run(*, names=("pde", "walls"), history=None, snapshot=None, config=None, **changes) -> Run:
    """A healthy run; `changes` go to the summary."""
    history = make_history(names) if history is None else history
    spectra = [SpectrumSummary.of(record) for record in (history.diagnostics[0], history.diagnostics[-1])]
    summary = Summary(
        pinnkit_version="0.1.0",
        problem="poisson_1d",
        declared=make_declaration(history.conditions),
        date="2026-01-31T12:30:00+00:00",
        host="workstation",
        seed=0,
        strategy="auto",
        precision="double",
        device="cpu",
        parameters=2177,
        points=dict.fromkeys(history.conditions, 32),
        steps=len(history.step),
        kept_step=len(history.step),
        stop_reason=StopReason.STALLED,
        stop_detail=None,
        seconds=Seconds(12.3, 4.5, 6.0, 0.9),
        peak_memory_bytes=700 * 2**20,
        loss=1e-12,
        validation_loss=1.5e-12,
        rounding_loss=None,
        losses=dict.fromkeys(history.conditions, 1e-12),
        validation_losses=dict.fromkeys(history.conditions, 1.5e-12),
        weights=dict.fromkeys(history.conditions, 1.0),
        learning_rate=None,
        relative_l2={"u": 3.21e-7},
        max_error={"u": 5e-7},
        relative_to_spread={"u": 4e-7},
        relative_to_range={"u": 3e-7},
        conditions={name: make_check() for name in history.conditions},
        coefficients={"nu": 0.01},
        coefficient_intervals={},
        coefficient_covariance=None,
        data={},
        determinacy=None,
        spectrum=Spectra(*spectra),
    )
    if "relative_l2" in changes and changes["relative_l2"] is None:  # no reference
        changes = {"relative_to_spread": None, "relative_to_range": None, **changes}
    if "validation_losses" in changes:
        changes = {"conditions": {name: make_check() for name in changes["validation_losses"]}, **changes}
    settings = {"problem": "poisson_1d", "strategy": "auto", "seed": 0, "versions": {"jax": "0.10.2"}}
    return Run(
        msgspec.structs.replace(summary, **changes),
        settings if config is None else config,
        history,
        make_grid_fields() if snapshot is None else snapshot,
    )
