"""Work that was skipped because too little time was left, as figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .storage.named_arrays import Variable, Variables, variable, words


@dataclass(frozen=True)
class Shortage:
    """Work that was skipped because too little time was left.

    - `work`: what it was; `needed`, `left`: seconds that it would have taken, and seconds that were left for it;
    - `at`: seconds since the start of the fit.
    """

    work: str
    needed: float
    left: float
    at: float

    def sufficient_budget(self, budget: float) -> float:
        """The budget with which this work would have begun, if it takes a fixed share of the time that is left."""
        return self.at + (budget - self.at) * self.needed / self.left if self.left > 0 else budget + self.needed


def pack_shortages(shortages: Sequence[Shortage]) -> Variables:
    """Skipped work by `shortage`."""
    figures = lambda name: variable(np.array([getattr(s, name) for s in shortages], float), "shortage")
    return {
        "shortage": words([s.work for s in shortages], "shortage"),
        **{f"shortage_{name}": figures(name) for name in ("needed", "left", "at")},
    }


def unpack_shortages(variables: Mapping[str, Variable]) -> list[Shortage]:
    """What `pack_shortages` packed."""
    names = ("shortage", "shortage_needed", "shortage_left", "shortage_at")
    return [Shortage(*row) for row in zip(*(variables[name].values.tolist() for name in names), strict=True)]
