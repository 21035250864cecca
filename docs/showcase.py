"""The pictures of the README and the guides, made by solving a built-in problem: `uv run python docs/showcase.py`.

Writes `docs/pages/figures/showcase_*.svg`, and a picture of the page of the report if there is a Chromium.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "pages" / "figures"
PAGE = 1000, 1450
"""Width and height of the part of the page that is shown, in pixels."""


def write(folder: Path, **options) -> dict[str, float]:
    """Solve `wave_1d` and write its pictures. **Returns:** the relative L2 errors."""
    import pinnkit
    from pinnkit.drawing.picture import Picture
    from pinnkit.equations.registry import find_problem
    from pinnkit.report import plot_solution, plot_spectrum

    solution = pinnkit.fit(find_problem("wave_1d"), **options)
    final = dataclasses.replace(solution.history, diagnostics=solution.history.diagnostics[-1:])
    figures = {"solution": plot_solution(solution.run.snapshot), "spectrum": plot_spectrum(final)}
    for name, figure in figures.items():
        Picture(figure, {}).save(folder / f"showcase_{name}.svg")
    _photograph(solution, folder / "showcase_report.png")
    return solution.summary.relative_l2 or {}


def _photograph(solution, path: Path) -> None:
    """The top of the page in a browser, if there is one."""
    sys.path.insert(0, str(ROOT))
    from tests.report.browser import CHROMIUM, Browser

    if CHROMIUM is None:
        return
    browser = Browser()
    try:
        with tempfile.TemporaryDirectory() as folder:
            browser.open(solution.report.save(folder), *PAGE)
            browser.screenshot(path, whole=False)
    finally:
        browser.close()


if __name__ == "__main__":
    print(write(FIGURES, seed=0))
