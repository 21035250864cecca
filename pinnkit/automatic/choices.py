"""Which parts of the automatic procedure are in use."""

import dataclasses

from .._base.arguments import check_flag, check_positive, check_whole


@dataclasses.dataclass(frozen=True)
class Choices:
    """Parts of the automatic procedure that can be switched off or fixed, for instance in an ablation.

    - `random_features`: whether the output layer of random features is solved for before any network is trained;
    - `bandwidth`: of the random features, in radians per half width of the domain along every coordinate; None searches
      for it;
    - `time_windows`: whether time may be divided into windows;
    - `unknowns`: sizes of the output layers to try, ascending; None for the usual ones.

    **Raises:** `InputError` if a switch is not True or False, the bandwidth is not a finite number > 0, or the
    sizes are not ascending whole numbers > 0.
    """

    random_features: bool = True
    bandwidth: float | None = None
    time_windows: bool = True
    unknowns: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_flag(random_features=self.random_features, time_windows=self.time_windows)
        if self.bandwidth is not None:
            check_positive(bandwidth=self.bandwidth)
        for unknowns in self.unknowns or ():
            check_whole(unknowns=unknowns)
