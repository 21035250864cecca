"""A figure together with the numbers behind it."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._base.errors import InputError, MissingPackageError
from .style import STYLE

if TYPE_CHECKING:
    import pandas

DPI = 130
"""Dots per inch in notebooks and files."""


class Picture:
    """A figure and the numbers behind it; notebooks display it.

    - `figure`: a matplotlib figure, to which more can be added;
    - `data`: columns of one length by name.
    """

    def __init__(self, figure: Figure, data: Mapping[str, np.ndarray]):
        self.figure, self.data = figure, dict(data)

    def __repr__(self) -> str:
        rows = len(next(iter(self.data.values()), ()))
        return f"Picture of {rows:,} rows with the columns {', '.join(self.data)}; `save(path)` and `to_csv(path)`"

    def save(self, path: str | Path) -> Path:
        """Write the figure in the format of the suffix, such as `.png`, `.svg` or `.pdf`.

        **Raises:** `InputError` for an unknown format; `OSError` if it cannot be written.
        """
        path = Path(path)
        formats = self.figure.canvas.get_supported_filetypes()
        if path.suffix.removeprefix(".") not in formats:
            raise InputError(f"'{path}' has no known format; the suffixes are {', '.join(sorted(formats))}")
        self._write(path, path.suffix.removeprefix("."))
        return path

    def to_csv(self, path: str | Path) -> Path:
        """Write the numbers as a table with a header; they are read back exactly. **Raises:** `OSError`."""
        path = Path(path)
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(self.data)
            table.writerows(zip(*(column.tolist() for column in self.data.values()), strict=True))
        return path

    def to_pandas(self) -> "pandas.DataFrame":
        """The numbers as a `pandas.DataFrame`. **Raises:** `ImportError` without the extra `data`."""
        try:
            import pandas
        except ImportError:
            raise MissingPackageError("pandas is not installed; install `pinnkit[data]`") from None
        return pandas.DataFrame(self.data)

    def _write(self, target: Any, kind: str) -> None:
        with mpl.rc_context(STYLE):
            self.figure.savefig(target, format=kind, dpi=DPI)

    @property
    def png(self) -> bytes:
        """The figure as the content of a PNG file."""
        buffer = io.BytesIO()
        self._write(buffer, "png")
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png


def figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # noqa: S101  axes are made in a figure
    return figure
