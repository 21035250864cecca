"""The state of a run between two pieces of work: the content of a checkpoint."""

import dataclasses
from typing import Any

import msgspec
import numpy as np

from ..._base import json_encoding
from ..._base.types import Params
from ..history import Excerpt, History
from ..stop_reason import StopReason
from ..storage.checkpoint_folder import Tree
from ..storage.named_arrays import Variable, Variables, below, decode_variables, encode_variables
from ..summary import Seconds
from .packing import packed
from .replay import Piece

_HISTORY, _MEMORY, _PIECE, _NOTES = "history/", "memory/", "piece/", "notes"

ANY_PROGRAM = "any"
"""Stands for the program of a run from other versions of the packages, which compile a different one."""


class Place(msgspec.Struct, frozen=True):
    """The progress of training, apart from its state.

    - `phase`: its number, −1 before the first; `first`: its first step; `entered`: seconds on the clock at that step;
    - `best`, `best_at`: the smallest validation loss of the phase, by a margin, and its step;
    - `began`: seconds on the clock when training began; `program`: a hash of the compiled step;
    - `reason`: why the phase has ended, None until it has; `detail`: what was not finite, if that is the reason;
    - `kept`: the number of the check with the smallest validation loss of all, whose parameters are kept.
    """

    began: float
    phase: int
    first: int = 0
    entered: float = 0.0
    best: float | None = None
    best_at: int = 0
    program: str = ""
    reason: StopReason | None = None
    detail: str | None = None
    kept: int | None = None


@dataclasses.dataclass(frozen=True)
class Training:
    """- `state`: the `TrainState`, a pytree of arrays; `kept`: the parameters kept, None if there are none. When read
      from a checkpoint, both are lists of their leaves (see `packed`);
    - `memory`: arrays from which the diagnostician continues.
    """

    place: Place
    state: Params
    kept: Params
    memory: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class RunState:
    """- `seconds`: on the clock, and how they were spent; `resumed`: steps at which the run was resumed;
    - `pieces`: finished solves; `training`: None until training begins.

    It is immutable, so that another thread can write it.
    """

    seconds: Seconds
    resumed: tuple[int, ...]
    pieces: tuple[Piece, ...]
    recorded: Excerpt
    training: Training | None = None
    finished: bool = False

    @property
    def step(self) -> int:
        return self.recorded.steps

    @property
    def is_worth_keeping(self) -> bool:
        """Whether there is any work in it to lose."""
        return bool(self.step or self.pieces)

    @property
    def of_other_versions(self) -> "RunState":
        """The same state, which any compiled program may continue."""
        if self.training is None or not self.training.place.program:
            return self
        place = msgspec.structs.replace(self.training.place, program=ANY_PROGRAM)
        return dataclasses.replace(self, training=dataclasses.replace(self.training, place=place))

    @property
    def tree(self) -> Tree:
        """As arrays: those of training unchanged, everything else in one record."""
        training = self.training
        notes = _Notes(
            self.seconds,
            self.resumed,
            [(piece.name, piece.seconds) for piece in self.pieces],
            None if training is None else training.place,
        )
        record: Variables = {
            _NOTES: Variable((), np.array(json_encoding.encode(notes).decode())),
            **{f"{_HISTORY}{name}": v for name, v in self.recorded.history.variables.items()},
            **_plain(_MEMORY, {} if training is None else training.memory),
        }
        for number, piece in enumerate(self.pieces):
            record |= _plain(f"{_PIECE}{number}/", piece.arrays)
        data = np.frombuffer(encode_variables(record, compressed=False), np.uint8)
        if training is None:
            return {"record": data}
        kept = packed(training.kept)
        return {"record": data, "state": packed(training.state), **({"kept": kept} if kept else {})}

    @classmethod
    def of(cls, tree: Tree) -> "RunState":
        """The state whose `tree` this is."""
        record = decode_variables(np.asarray(tree["record"]).tobytes())
        notes = json_encoding.decode(str(record[_NOTES].values).encode(), _Notes)
        arrays = lambda prefix: {name: v.values for name, v in below(record, prefix).items()}
        training = None
        if notes.place is not None:
            training = Training(notes.place, tree["state"], tree.get("kept", []), arrays(_MEMORY))
        return cls(
            seconds=notes.seconds,
            resumed=notes.resumed,
            pieces=tuple(Piece(*named, arrays(f"{_PIECE}{i}/")) for i, named in enumerate(notes.pieces)),
            recorded=Excerpt(History.from_variables(below(record, _HISTORY))),
            training=training,
        )


class _Notes(msgspec.Struct, frozen=True):
    seconds: Seconds
    resumed: tuple[int, ...]
    pieces: list[tuple[str, float]]
    place: Place | None


def _plain(prefix: str, arrays: dict[str, Any]) -> Variables:
    """Arrays whose axes have arbitrary names."""
    values = {name: np.asarray(array) for name, array in arrays.items()}
    return {f"{prefix}{name}": Variable(tuple("abcdefgh"[: v.ndim]), v) for name, v in values.items()}
