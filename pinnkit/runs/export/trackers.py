"""Callbacks that send the figures of a fit to experiment trackers while it runs."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._base.errors import MissingPackageError
from ..callbacks import Callback, Progress, Start

if TYPE_CHECKING:
    from ...diagnostics.record import Diagnostics
    from ..summary import Summary


class Tracker(Callback):
    """Sends figures by name at steps; subclasses say where to."""

    def start(self, event: Start) -> None:
        points = {f"points/{name}": number for name, number in event.points.items()}
        names = ("problem", "strategy", "precision", "parameters")
        self.settings({**{name: getattr(event, name) for name in names}, **points})

    def progress(self, event: Progress) -> None:
        rate = {} if event.learning_rate is None else {"learning_rate": event.learning_rate}
        tables = {"mean_square": event.losses, "weight": event.weights, "relative_l2": event.relative_l2}
        by_name = {f"{kind}/{name}": value for kind, table in tables.items() for name, value in table.items()}
        self.figures({"loss": event.loss, "validation_loss": event.validation_loss, **rate, **by_name}, event.step)

    def diagnostics(self, record: "Diagnostics") -> None:
        figures = {"largest_eigenvalue": record.spectrum.largest_eigenvalue, "rank": float(record.numerical_rank)}
        self.figures({f"kernel/{name}": value for name, value in figures.items()}, record.step)

    def end(self, summary: "Summary") -> None:
        errors = {f"final/relative_l2/{name}": value for name, value in (summary.relative_l2 or {}).items()}
        self.figures({"final/validation_loss": summary.validation_loss, **errors}, summary.steps)
        self.close()

    def settings(self, values: dict[str, Any]) -> None:
        """Record settings; called before each network is solved for."""

    def figures(self, values: dict[str, float], step: int) -> None:
        """Record figures at a step."""

    def close(self) -> None:
        """Finish; called at the end of the fit."""


class TensorBoard(Tracker):
    """Writes event files that TensorBoard shows while the fit runs: `fit(..., callbacks=[TensorBoard("logs")])`.

    **Raises:** `ImportError` without the extra `tensorboard`.
    """

    def __init__(self, folder: str | Path):
        self._writer = _imported("tensorboardX", "tensorboard").SummaryWriter(str(folder), flush_secs=5)

    def settings(self, values: dict[str, Any]) -> None:
        self._writer.add_text("settings", "\n".join(f"    {name}: {value}" for name, value in values.items()))

    def figures(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class WandB(Tracker):
    """Logs to Weights & Biases: `fit(..., callbacks=[WandB(project="waves")])`; `options` are those of `wandb.init`.

    **Raises:** `ImportError` without the extra `wandb`.
    """

    def __init__(self, **options: Any):
        self._run = _imported("wandb", "wandb").init(**options)

    def settings(self, values: dict[str, Any]) -> None:
        self._run.config.update(values, allow_val_change=True)

    def figures(self, values: dict[str, float], step: int) -> None:
        self._run.log({**values, "step": step})

    def close(self) -> None:
        self._run.finish()


class MLflow(Tracker):
    """Logs to MLflow: `fit(..., callbacks=[MLflow(run_name="wave")])`; `options` are those of `mlflow.start_run`.

    **Raises:** `ImportError` without the extra `mlflow`.
    """

    def __init__(self, **options: Any):
        self._mlflow = _imported("mlflow", "mlflow")
        self._mlflow.start_run(**options)
        self._known = set[str]()

    def settings(self, values: dict[str, Any]) -> None:
        new = {_allowed(name): value for name, value in values.items() if name not in self._known}
        self._known |= set(values)
        if new:  # a parameter of a run cannot change
            self._mlflow.log_params(new)

    def figures(self, values: dict[str, float], step: int) -> None:
        self._mlflow.log_metrics({_allowed(name): value for name, value in values.items()}, step=step)

    def close(self) -> None:
        self._mlflow.end_run()


def _allowed(name: str) -> str:
    """A name with the characters that MLflow allows."""
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)


def _imported(package: str, extra: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        message = f"this needs {package}: install pinnkit with the extra, `pinnkit[{extra}]`"
        raise MissingPackageError(message) from error
