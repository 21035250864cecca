"""What a fit gives back: the fields as functions, the run as data, the report."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._types import Params
from .checkpoint import save_params
from .history import History
from .measure import Fields
from .problem import Problem
from .run import Run
from .state import TrainState
from .summary import Summary

if TYPE_CHECKING:
    from .report import Report


class Solution:
    """A solved problem.

    - `solution(x=..., t=...)` evaluates the fields;
    - `model`: the trained model, of the kind that was handed in; where pinnkit chose it and conditions hold by
      construction, a `FunctionalModel` with those in it. Its parameters are float64 arrays, which JAX computes with in
      single precision outside `jax.enable_x64(True)`;
    - `coefficients`: given and found;
    - `state`: the last `TrainState`, None for a solution that was loaded;
    - `history`, `summary`: what was recorded; `run`: both with settings and pictures;
    - `report()` prints the report, `report.html()` gives it as a page; `save(folder)` writes everything.
    """

    def __init__(
        self, problem: Problem, model: Any, fields: Fields, params: Params, state: TrainState | None, run: Run
    ):
        self.problem, self.model, self.state, self.run = problem, model, state, run
        self._fields, self._params = fields, params

    @property
    def history(self) -> History:
        return self.run.history

    @property
    def summary(self) -> Summary:
        return self.run.summary

    @property
    def coefficients(self) -> dict[str, float]:
        return dict(self.run.summary.coefficients)

    def __call__(self, **coordinates: Any) -> np.ndarray | dict[str, np.ndarray]:
        """The fields at coordinates, which broadcast against each other.

        **Returns:** for a problem with one field an array of the broadcast shape (with a last axis for the
        components of a vector field); for several, a dict from field to such an array.

        **Raises:** `TypeError` unless every coordinate of the domain is given, and nothing else.
        """
        names = self.problem.domain.coordinates
        if set(coordinates) != set(names):
            raise TypeError(
                f"the solution of '{self.problem.name}' is a function of {', '.join(names)}; got {sorted(coordinates)}"
            )
        arrays = np.broadcast_arrays(*(np.asarray(coordinates[name], float) for name in names))
        shape = arrays[0].shape
        values = self._fields(self._params, np.stack([a.ravel() for a in arrays], axis=-1))
        fields = {name: value.reshape(shape + value.shape[1:]) for name, value in values.items()}
        return next(iter(fields.values())) if len(fields) == 1 else fields

    @property
    def report(self) -> "Report":
        from .report import Report  # brings matplotlib, which is slow to import

        return Report(self.run)

    def save(self, folder: str | Path) -> Path:
        """Write `summary.json`, `config.toml`, `history.npz`, `report.html` and `checkpoints/`.

        **Raises:** `RunFolderError` if the folder cannot be written.
        """
        folder = Path(folder)
        self.run.save(folder)
        save_params(folder, self._params, self.summary.steps)
        self.report.save(folder)
        return folder
