"""Settings of time marching."""

from dataclasses import dataclass

from .controller import Controller
from .marching import Marching


@dataclass(frozen=True)
class WindowSettings:
    """How a problem is solved in time windows.

    - `unknowns`: of the networks of windows, ascending; `tolerances`: relative loss with which a window of each is
      accepted: smaller for larger networks would cost too much;
    - `margin`: features of a window over those that its initial slice needs;
    - `controller`: chooses the lengths;
    - `foreseeable`: share of the whole time after which the pace tells how long the rest will take;
    - `patience`: share of the remaining seconds that windows may take before that;
    - `concluding`: seconds of what follows the last window, as a multiple of the compilation of a network;
    - `hope`: windows are abandoned if the rest would take more than this multiple of the remaining seconds (not 1, for
      windows tend to grow longer);
    - `caution`: the tolerance is eased if this multiple of the rest would take more than the remaining seconds, since
      later windows may need wider networks, and a less accurate end is worth more than none.
    """

    unknowns: tuple[int, ...] = (400, 800, 1600, 2400)
    tolerances: tuple[float, ...] = (1e-17, 1e-15, 1e-11, 1e-10)
    margin: float = 1.25
    controller: Controller = Controller()
    foreseeable: float = 0.1
    patience: float = 0.4
    concluding: float = 1.5
    hope: float = 1.5
    caution: float = 1.25


WITHOUT_SPACE = WindowSettings(
    unknowns=(60, 120, 400),
    tolerances=(1e-17, 1e-17, 1e-17),
    controller=Controller(first=1 / 64, shortest=1e-9, shrinkage=(0.1, 0.7), growth=4.0, persists=True),
)
"""For ordinary differential equations: small networks, since many short windows cost less than long ones, and lengths
that follow time scales over nine orders of magnitude."""

IN_SPACE = WindowSettings()


def settings_for(marching: Marching) -> WindowSettings:
    """The settings for a problem in time alone, or in space and time."""
    return IN_SPACE if marching.space else WITHOUT_SPACE
