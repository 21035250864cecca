"""Decisions of a run as data, and the sentences that describe them.

A decision holds the figures it was made from. Programs read these; `str(decision)` is the sentence for people.
"""

from typing import TypeAlias, cast

import msgspec

from .._base import json_encoding


class AbstractDecision(msgspec.Struct, frozen=True, tag_field="kind"):
    """Something that was chosen, skipped or noticed in a run."""


class Note(AbstractDecision, frozen=True, tag="note"):
    """A remark, for example why a condition is a soft constraint."""

    text: str

    def __str__(self) -> str:
        return self.text


class Doubt(AbstractDecision, frozen=True, tag="doubt"):
    """What may be wrong with the problem itself."""

    text: str

    def __str__(self) -> str:
        return f"doubtful: {self.text}"


class HardConstraints(AbstractDecision, frozen=True, tag="hard constraints"):
    """Conditions that are built into the ansatz."""

    conditions: tuple[str, ...]

    def __str__(self) -> str:
        return f"hard constraints: {', '.join(self.conditions)}"


class SkippedWork(AbstractDecision, frozen=True, tag="skipped work"):
    """Work that was skipped because too little time was left.

    - `needed`, `left`: predicted seconds of the work, and the seconds that were left for it;
    - `at`: seconds since the start of the fit.
    """

    work: str
    needed: float
    left: float
    at: float

    def sufficient_budget(self, budget: float) -> float:
        """The budget with which this work would have begun, if it gets a fixed share of the remaining time."""
        return self.at + (budget - self.at) * self.needed / self.left if self.left > 0 else budget + self.needed

    def __str__(self) -> str:
        return f"{self.work} skipped: {_shortage(self.needed, self.left)}"


class Unexamined(AbstractDecision, frozen=True, tag="unexamined"):
    """The test whether the conditions determine the solution was left out for lack of time (seconds)."""

    needed: float
    left: float

    def __str__(self) -> str:
        return f"not examined whether the conditions determine the solution: {_shortage(self.needed, self.left)}"


class ContinuationStep(AbstractDecision, frozen=True, tag="continuation step"):
    """The problem was solved for other values of coefficients first: validation loss, and seconds that this took."""

    values: dict[str, float]
    validation_loss: float
    seconds: float

    def __str__(self) -> str:
        values = ", ".join(f"{name} = {value:g}" for name, value in self.values.items())
        return (
            f"continuation: {values} solved first in {self.seconds:.1f} s (validation loss {self.validation_loss:.3g})"
        )


class GivenBandwidth(AbstractDecision, frozen=True, tag="given bandwidth"):
    """The bandwidth of the random features was given by the caller."""

    bandwidth: float

    def __str__(self) -> str:
        return f"bandwidth {self.bandwidth:.3g}, as given"


class ChosenBandwidth(AbstractDecision, frozen=True, tag="chosen bandwidth"):
    """The bandwidth whose trial solve left the smallest validation loss, relative to the initial one.

    - `bandwidth`: along each coordinate, in radians per half width of the domain; `unknowns`: of the trial solves;
    - `trials`: their number; `relative_loss`: of the best, `runner_up`: of the next best, None with a single trial.
    """

    bandwidth: dict[str, float]
    unknowns: int
    trials: int
    relative_loss: float
    runner_up: float | None = None

    def __str__(self) -> str:
        along = ", ".join(f"{value:.3g} in {name}" for name, value in self.bandwidth.items())
        if self.runner_up is None:
            trials = f"one trial (validation loss {_relative(self.relative_loss)} of initial)"
        else:
            best, second = _relative(self.relative_loss), _relative(self.runner_up)
            trials = f"best of {self.trials} trials (validation loss {best} of initial; runner-up {second})"
        return f"bandwidth {along} for {self.unknowns} unknowns: {trials}"


class ChosenInteractions(AbstractDecision, frozen=True, tag="chosen interactions"):
    """How many coordinates each sine depends on, and the relative validation loss of a trial with each number tried."""

    interactions: int
    losses: dict[int, float]

    def __str__(self) -> str:
        trials = ", ".join(f"{number}: {_relative(loss)}" for number, loss in self.losses.items())
        plural = "" if self.interactions == 1 else "s"
        return f"sines of {self.interactions} coordinate{plural} each (validation loss of initial by number: {trials})"


class SinesAroundCorners(AbstractDecision, frozen=True, tag="sines around corners"):
    """Whether half of the sines are those of coordinates around the corners of the domain, by a trial with such sines.

    - `loss`, `without`: relative validation loss of that trial, and of the best one without them.
    """

    is_chosen: bool
    loss: float
    without: float

    def __str__(self) -> str:
        chosen = "chosen" if self.is_chosen else "not chosen"
        return f"sines around the corners {chosen}: {_relative(self.loss)} with them, {_relative(self.without)} without"


class StretchedCoordinates(AbstractDecision, frozen=True, tag="stretched coordinates"):
    """Whether coordinates are stretched around layers, by a trial in such coordinates.

    - `coordinates`, `places`: of each bump of the stretching, the latter its center and half width;
    - `loss`, `without`: relative validation loss of that trial, and of the best solution so far.
    """

    is_chosen: bool
    coordinates: list[str]
    places: list[tuple[float, float]]
    loss: float
    without: float

    def __str__(self) -> str:
        pairs = zip(self.coordinates, self.places, strict=True)
        around = ", ".join(f"{name} = {center:.4g} ± {half:.1g}" for name, (center, half) in pairs)
        chosen = "" if self.is_chosen else "not "
        with_it = f"{_relative(self.loss)} with it, {_relative(self.without)} without"
        return f"coordinates {chosen}stretched around {around}: {with_it}"


class SingularFeatures(AbstractDecision, frozen=True, tag="singular features"):
    """Features that are singular at corners or straight edges of the domain, in its holes and at charges outside.

    - `corners`, `edges`, `holes`, `charges`: their numbers; `features`: of all of them, before the width of a network
      limits it.
    """

    corners: int
    edges: int
    holes: int
    charges: int
    features: int

    def __str__(self) -> str:
        counted = (
            (self.corners, "at {} corner{} of the domain"),
            (self.edges, "at {} straight edge{} of the domain"),
            (self.holes, "in {} round hole{}"),
            (self.charges, "at {} point{} outside"),
        )
        where = [text.format(count, "" if count == 1 else "s") for count, text in counted if count]
        return f"{self.features} features that are singular {' and '.join(where)}"


class RejectedWidth(AbstractDecision, frozen=True, tag="rejected width"):
    """A wider network failed."""

    width: int
    reason: str

    def __str__(self) -> str:
        return f"width {self.width} rejected: {self.reason}"


class Attempt(AbstractDecision, frozen=True, tag="attempt"):
    """A candidate in the race for time: what was predicted of it, and what it did.

    - `began`: seconds since the start of the fit; `seconds`: that it took; `before`: the smallest relative validation
      loss before it; `relative_loss`: that it left, None if it failed;
    - `predicted_seconds`, `predicted_loss`: None for the first network, which has to be solved anyway.
    """

    candidate: str
    began: float
    seconds: float
    before: float
    relative_loss: float | None
    predicted_seconds: float | None = None
    predicted_loss: float | None = None

    def __str__(self) -> str:
        left = "failed" if self.relative_loss is None else f"validation loss {_relative(self.relative_loss)} of initial"
        did = f"{self.candidate}: {left} after {self.seconds:.1f} s ({_relative(self.before)} before)"
        if self.predicted_seconds is None or self.predicted_loss is None:
            return did
        return f"{did}; predicted {_relative(self.predicted_loss)} after {self.predicted_seconds:.1f} s"


class EasedWindows(AbstractDecision, frozen=True, tag="eased time windows"):
    """Time windows from `time` on are accepted with this relative loss, because time is short (seconds)."""

    time: float
    tolerance: float
    needed: float
    left: float

    def __str__(self) -> str:
        eased = f"tolerance of time windows raised to {_relative(self.tolerance)} of their loss"
        return (
            f"{eased} from t = {self.time:.2g} on: the rest needs {self.needed:.0f} s, {max(self.left, 0.0):.0f} s left"
        )


class AbandonedWindows(AbstractDecision, frozen=True, tag="abandoned time windows"):
    """Time windows were abandoned before `time`: no length and width gave a small enough relative loss."""

    time: float
    relative_loss: float

    def __str__(self) -> str:
        loss = _relative(self.relative_loss)
        return f"time windows abandoned before t = {self.time:.3g}: residual too large ({loss} of the validation loss)"


class SkippedWindows(SkippedWork, frozen=True, tag="skipped time windows"):
    """Time windows were abandoned at `time` for lack of time; `done`: those before it."""

    time: float = 0.0
    done: int = 0

    def __str__(self) -> str:
        done = f"{self.done} window{'' if self.done == 1 else 's'} done"
        return f"time windows abandoned at t = {self.time:.2g} ({done}): {_shortage(self.needed, self.left, ' more')}"


class SolvedWindows(AbstractDecision, frozen=True, tag="solved time windows"):
    """All time windows were solved.

    - `shortest`, `longest`: their lengths; `unknowns`: of the widest; `stretched`: those with stretched coordinates;
    - `relative_loss`: of the worst.
    """

    windows: int
    shortest: float
    longest: float
    unknowns: int
    stretched: int
    relative_loss: float

    def __str__(self) -> str:
        lengths = f"{self.windows} time windows of length {self.shortest:.2g} to {self.longest:.2g}"
        size = f"at most {self.unknowns} unknowns each, {self.stretched} with stretched coordinates"
        return f"{lengths}, {size}; largest relative validation loss {_relative(self.relative_loss)}"


class KeptNetwork(AbstractDecision, frozen=True, tag="kept network"):
    """The network with the smaller validation loss: geometric means of those with the weights of either."""

    is_deep: bool
    validation_loss: float
    other: float

    def __str__(self) -> str:
        kept, other = ("deep", "sine") if self.is_deep else ("sine", "deep")
        losses = f"validation loss {self.validation_loss:.3g}; {other} network {self.other:.3g}"
        return f"kept: {kept} network ({losses})"


class KeptStep(AbstractDecision, frozen=True, tag="kept step"):
    """Parameters of an earlier step, whose validation loss was smaller; `last_loss` is None if it was not finite."""

    step: int
    validation_loss: float
    last_step: int
    last_loss: float | None

    def __str__(self) -> str:
        last = "not finite" if self.last_loss is None else f"{self.last_loss:.3g}"
        losses = f"validation loss {self.validation_loss:.3g}; step {self.last_step} {last}"
        return f"kept: parameters of step {self.step} ({losses})"


class MissedSnapshot(AbstractDecision, frozen=True, tag="missed snapshot"):
    """A kernel snapshot could not be taken."""

    step: int
    reason: str

    def __str__(self) -> str:
        return f"no kernel snapshot at step {self.step}: {self.reason}"


class WeighedData(AbstractDecision, frozen=True, tag="weighed data"):
    """Measured values are weighted by their noise.

    - `sigma`: standard deviation of their errors, given or estimated; `factor`: of their weight, 1 without noise.
    """

    condition: str
    sigma: float
    is_given: bool
    factor: float

    def __str__(self) -> str:
        origin = "given" if self.is_given else "estimated"
        return f"noise of '{self.condition}': σ = {self.sigma:.3g} ({origin}), weight multiplied by {self.factor:.2g}"


class WeighedPrior(AbstractDecision, frozen=True, tag="weighed prior"):
    """The weight of a prior in the loss was found from data."""

    condition: str
    weight: float

    def __str__(self) -> str:
        return f"prior '{self.condition}': weight {self.weight:.2g}, by cross-validation of the data"


Decision: TypeAlias = (
    Note
    | Doubt
    | HardConstraints
    | SkippedWork
    | Unexamined
    | ContinuationStep
    | GivenBandwidth
    | ChosenBandwidth
    | ChosenInteractions
    | SinesAroundCorners
    | StretchedCoordinates
    | SingularFeatures
    | RejectedWidth
    | Attempt
    | EasedWindows
    | AbandonedWindows
    | SkippedWindows
    | SolvedWindows
    | KeptNetwork
    | KeptStep
    | MissedSnapshot
    | WeighedData
    | WeighedPrior
)


def encode_decision(decision: Decision) -> str:
    """As JSON."""
    return json_encoding.encode(decision).decode()


def decode_decision(text: str) -> Decision:
    """Read what `encode_decision` made. **Raises:** `msgspec.DecodeError`."""
    return json_encoding.decode(text.encode(), cast(type[Decision], Decision))


def _shortage(needed: float, left: float, more: str = "") -> str:
    seconds = lambda value: f"{value:.0f}" if value >= 1 or value <= 0 else f"{value:.1g}"
    return f"needs {seconds(needed)} s{more}, {seconds(max(left, 0.0))} s left"


def _relative(loss: float) -> str:
    """A relative loss: in percent where that is readable."""
    return f"{100 * loss:.2g} %" if 1e-3 <= loss < 10 else f"{loss:.1e}"
