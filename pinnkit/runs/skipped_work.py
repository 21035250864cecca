"""Work that was skipped because too little time was left, as figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .storage.named_arrays import Variable, Variables, variable, words


@dataclass(frozen=True)
class SkippedWork:
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


def pack_skipped_work(skipped_work: Sequence[SkippedWork]) -> Variables:
    """Skipped work by `skipped_work`."""
    figures = lambda name: variable(np.array([getattr(s, name) for s in skipped_work], float), "skipped_work")
    return {
        "skipped_work": words([s.work for s in skipped_work], "skipped_work"),
        **{f"shortage_{name}": figures(name) for name in ("needed", "left", "at")},
    }


def unpack_skipped_work(variables: Mapping[str, Variable]) -> list[SkippedWork]:
    """What `pack_skipped_work` packed."""
    names = ("skipped_work", "shortage_needed", "shortage_left", "shortage_at")
    return [SkippedWork(*row) for row in zip(*(variables[name].values.tolist() for name in names), strict=True)]
