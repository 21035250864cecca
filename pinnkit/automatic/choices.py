"""Choices that the automatic procedure leaves to the user."""

import dataclasses

from .._base.arguments import check_flag, check_positive, check_whole


@dataclasses.dataclass(frozen=True)
class Choices:
    """Which parts of the procedure are in force, to see what each is worth.

    - `sines`: whether a layer of sines is solved for before anything is trained;
    - `bandwidth`: of that layer, radians per half width of the domain along every coordinate; None searches for it;
    - `windows`: whether time may be cut in windows;
    - `unknowns`: of the output layers to try, ascending; None for the usual ones.

    **Raises:** `ValueError` for a bandwidth that is not a number > 0, and for unknowns that are not whole numbers > 0.
    """

    sines: bool = True
    bandwidth: float | None = None
    windows: bool = True
    unknowns: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_flag(sines=self.sines, windows=self.windows)
        if self.bandwidth is not None:
            check_positive(bandwidth=self.bandwidth)
        for unknowns in self.unknowns or ():
            check_whole(unknowns=unknowns)
