"""The pictures of a report of how a run went: training, predictions, kernel. None of them is empty or one constant."""

import dataclasses
from collections.abc import Iterator

from ..runs.run_folder import Run
from . import data_figures, figures
from .levels import kernels_compare
from .picture import Picture, picture

FEWEST_STEPS = 3
"""Steps or checks from which there is a course to draw."""


def training_pictures(run: Run) -> Iterator[Picture]:
    history = run.history
    inside = figures.in_windows(history)
    kept = "" if history.kept_step is None else " The dashed line marks the step whose parameters are kept."
    if max(int((~inside).sum()), len(history.checks)) >= FEWEST_STEPS:
        caption = f"Loss, and unweighted mean squared residual of each condition.{kept}"
        yield picture("losses", figures.plot_losses, figures.only(history, ~inside), caption)
    if inside.sum() >= FEWEST_STEPS:
        yield picture("windows", figures.plot_windows, history, "Loss of the time windows; each begins anew.")
    if sum(bool(check.relative_l2) for check in history.checks) >= FEWEST_STEPS:
        yield picture("errors", figures.plot_errors, history, "Relative L2 error on the test grid.")
    if figures.vary(history.coefficients.values()):
        yield picture("coefficients", data_figures.plot_coefficients, history, "Course of the unknown coefficients.")
    if figures.vary(history.weights.values()):
        yield picture("weights", figures.plot_weights, history, "Loss weight of each condition.")
    if figures.vary([history.learning_rate]):
        caption = "Learning rate, and 2/λ_max at each kernel snapshot, the stability limit of gradient descent."
        yield picture("rate", figures.plot_learning_rate, history, caption)


def prediction_pictures(run: Run) -> Iterator[Picture]:
    if len(run.history.predictions) >= FEWEST_STEPS:
        caption = "Loss at each kernel snapshot, and its prediction by linear theory from the previous snapshot."
        yield picture("predictions", figures.plot_predictions, run.history, caption)
    if run.history.predictions:
        caption = "Remaining share of each mode since the previous snapshot; faster modes to the right."
        yield picture("decays", figures.plot_decays, run.history, caption)


def kernel_pictures(run: Run) -> Iterator[Picture]:
    records = run.history.diagnostics
    if not records:
        return
    hidden = "Marks on the dashed line: eigenvalues below the noise floor, known only to be at most twice the floor."
    history, course = run.history, " during training"
    if not kernels_compare(run):
        history, course = dataclasses.replace(run.history, diagnostics=records[-1:]), " after training"
    yield picture("spectrum", figures.plot_spectrum, history, f"Spectrum of the training kernel{course}. {hidden}")
    if len(history.diagnostics) > 2:
        caption = "Drift of the unweighted kernel from initialisation, and alignment with it."
        yield picture("drift", figures.plot_drift, history, caption)
    caption = f"Spectra of the diagonal blocks, one for each condition,{course}."
    yield picture("blocks", figures.plot_blocks, history, caption, wide=len(history.conditions) > 1)
