"""The summary of a run; scripts may rely on the format of `summary.json`."""

from typing import TYPE_CHECKING

import msgspec

from .._base import json_encoding
from .._base.numbers import count, duration, number, printable
from ..diagnostics.coefficient_interval import CoefficientInterval, Covariance
from ..diagnostics.condition_check import ConditionCheck
from ..diagnostics.data_fit import DataFit
from ..diagnostics.determinacy import Determinacy
from .declaration import Declaration
from .stop_reason import StopReason

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics


class SpectrumSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of the training kernel; None for those that do not exist because the kernel vanishes."""

    largest_eigenvalue: float
    noise_floor: float
    numerical_rank: int
    modes: int
    condition_number: float | None
    condition_number_is_lower_bound: bool
    effective_rank: float
    effective_dimension: float
    spectral_bias: float | None
    slow_modes: int
    kernel_drift: float
    stable_learning_rate: float | None

    @classmethod
    def of(cls, record: "Diagnostics") -> "SpectrumSummary":
        kappa = record.condition_number
        return cls(
            largest_eigenvalue=record.spectrum.largest_eigenvalue,
            noise_floor=record.noise_floor,
            numerical_rank=int(record.numerical_rank),
            modes=record.modes,
            condition_number=None if kappa is None else float(kappa),
            condition_number_is_lower_bound=kappa is None or kappa.is_lower_bound,
            effective_rank=float(record.effective_rank),
            effective_dimension=float(record.effective_dimension),
            spectral_bias=None if record.spectral_bias is None else float(record.spectral_bias),
            slow_modes=record.slow_modes,
            kernel_drift=record.kernel_drift,
            stable_learning_rate=record.stable_learning_rate,
        )


class Seconds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Wall time; `total` counts everything from the call of `fit`."""

    total: float
    compile: float
    train: float
    diagnostics: float


class Spectra(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    initial: SpectrumSummary
    final: SpectrumSummary


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """- `declared`: the problem in words; `date`: of the end of the run, in ISO 8601 and UTC; `host`: the machine;
    - `steps`: total number; `kept_step`: the step whose parameters are kept;
    - `stop_reason`: see `StopReason`; `stop_detail`: what was not finite, where and at which step, None otherwise;
    - `losses`: final mean squared residual of each condition; `loss` is their weighted half sum;
    - `validation_losses`, `validation_loss`: the same on points never trained on; `validation_losses` includes hard
      constraints;
    - `rounding_loss`: the loss due to rounding of residuals in single precision, None in double;
    - `learning_rate`: the last one, None if the optimizer does not report it;
    - `relative_l2`, `max_error`: per field on a test grid, None without a reference;
    - `relative_to_spread`: ‖u − u_ref‖ over ‖u_ref − mean u_ref‖; `relative_to_range`: the largest error over
      max u_ref − min u_ref, for vectors the largest range of a component. Per field, without those whose reference is
      constant; None without a reference;
    - `conditions`: every declared condition, evaluated on dense points;
    - `coefficients`: given and found; `coefficient_intervals`: 95 % intervals of the unknown ones, or why there is none
      (see `pinnkit.intervals`); `coefficient_covariance`: of those with an interval, None without any;
    - `data`: how well each condition on measured values is fitted, relative to its noise;
    - `determinacy`: whether the conditions determine the solution, None if that was not examined.
    """

    pinnkit_version: str
    problem: str
    declared: Declaration
    date: str
    host: str
    seed: int
    strategy: str
    precision: str
    device: str
    parameters: int
    points: dict[str, int]
    steps: int
    kept_step: int
    stop_reason: StopReason
    stop_detail: str | None
    seconds: Seconds
    peak_memory_bytes: int
    loss: float
    validation_loss: float
    rounding_loss: float | None
    losses: dict[str, float]
    validation_losses: dict[str, float]
    weights: dict[str, float]
    learning_rate: float | None
    relative_l2: dict[str, float] | None
    max_error: dict[str, float] | None
    relative_to_spread: dict[str, float] | None
    relative_to_range: dict[str, float] | None
    conditions: dict[str, ConditionCheck]
    coefficients: dict[str, float]
    coefficient_intervals: dict[str, CoefficientInterval]
    coefficient_covariance: Covariance | None
    data: dict[str, DataFit]
    determinacy: Determinacy | None
    spectrum: Spectra

    def __repr__(self) -> str:
        """The main figures, one a line."""
        errors = ", ".join(f"{name} {number(value)}" for name, value in (self.relative_l2 or {}).items())
        unit = lambda name: f" {self.declared.units[name]}" if name in self.declared.units else ""
        coefficients = ", ".join(f"{name} = {value:.6g}{unit(name)}" for name, value in self.coefficients.items())
        lines = {
            "stopped": f"{self.ending}, after {count(self.steps, 'step')} and {duration(self.seconds.total)}",
            "validation loss": number(self.validation_loss),
            "relative L2 error": errors,
            "coefficients": coefficients,
            "kernel": f"{self.spectrum.final.numerical_rank} of {self.spectrum.final.modes} modes resolvable",
        }
        told = [f"  {name}: {text}" for name, text in lines.items() if text]
        return "\n".join([f"Summary of '{printable(self.problem)}', strategy {printable(self.strategy)}", *told])

    @property
    def hard(self) -> dict[str, float]:
        """Mean squared validation residual of hard constraints."""
        return {name: value for name, value in self.validation_losses.items() if name not in self.losses}

    @property
    def ending(self) -> str:
        """Why the fit stopped, in a phrase."""
        return self.stop_reason.phrase + (f": {self.stop_detail}" if self.stop_detail else "")

    def encoded(self) -> bytes:
        """As JSON, with `"inf"`, `"-inf"` and `"nan"` for numbers that are not finite."""
        return json_encoding.encode(self, indent=2)

    @classmethod
    def decoded(cls, data: bytes) -> "Summary":
        """Read what `encoded` returned. **Raises:** `msgspec.DecodeError`."""
        return json_encoding.decode(data, cls)
