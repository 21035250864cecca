"""Pictures: what they show, what they keep to themselves."""

import dataclasses
import re

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pinnkit.report import figures
from pinnkit.report.svg import to_svg

from .synthetic import make_history, make_record, make_snapshot

OF_HISTORY = [
    figures.plot_losses,
    figures.plot_errors,
    figures.plot_weights,
    figures.plot_learning_rate,
    figures.plot_spectrum,
    figures.plot_blocks,
]
HOSTILE = ("<script>alert(1)</script>", "$x_1$", "_under", "a & \"b\" 'c'", "new\nline\x00")


@pytest.mark.parametrize("plot", OF_HISTORY, ids=lambda plot: plot.__name__)
def test_names_are_drawn_as_they_are(plot):
    svg = to_svg(plot(make_history(HOSTILE, fields=HOSTILE)), "figure")
    assert "<script" not in svg
    if plot not in (figures.plot_learning_rate, figures.plot_spectrum):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in svg
        assert "$x_1$" in svg
        assert "_under" in svg
        assert "\x00" not in svg


@pytest.mark.parametrize("plot", OF_HISTORY, ids=lambda plot: plot.__name__)
def test_nothing_global_changes(plot):
    before = dict(mpl.rcParams)
    plot(make_history())
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("plot", OF_HISTORY, ids=lambda plot: plot.__name__)
def test_values_that_are_not_positive_or_finite_are_left_out(plot):
    history = make_history(last=1e-5)
    history.loss[3:6] = 0.0, np.nan, np.inf
    history.learning_rate[:] = np.nan
    to_svg(plot(history), "figure")


def test_a_kernel_that_vanishes_has_an_empty_picture():
    history = dataclasses.replace(make_history(), diagnostics=[make_record(rank=0, largest=0.0)])
    to_svg(figures.plot_spectrum(history), "spectrum")
    to_svg(figures.plot_blocks(history), "blocks")


@pytest.mark.parametrize("plot", [figures.plot_spectrum, figures.plot_blocks], ids=lambda plot: plot.__name__)
def test_unresolvable_eigenvalues_are_never_drawn_as_values(plot):
    (ax,) = plot(make_history()).axes
    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines])
    floors = [record.noise_floor for record in make_history().diagnostics]
    floors += [block.noise_floor for block in make_history().diagnostics[-1].blocks.values()]
    assert not np.isin(drawn, np.array(floors) / 3).any()
    marks = [line for line in ax.lines if line.get_marker() == "v"]
    assert marks and all(line.get_markerfacecolor() == "none" for line in marks)
    assert np.isin(np.concatenate([line.get_ydata() for line in marks]), floors).all()


def test_there_is_no_error_to_plot_without_a_reference():
    with pytest.raises(ValueError, match="no error to plot"):
        figures.plot_errors(make_history(fields=()))


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("coordinates", [("x",), ("x", "t"), ("t", "x"), ("x", "y")])
def test_solutions_of_one_and_two_coordinates_are_drawn(coordinates, reference):
    snapshot = make_snapshot(coordinates, (("u", 1), ("v", 2)), reference)
    figure = figures.plot_solution(snapshot)
    labels = {ax.get_xlabel() for ax in figure.axes} - {""}
    assert labels == {"t" if "t" in coordinates else "x"}
    per_component = (1 + (1 + (len(coordinates) == 2)) * reference) * (1 + (len(coordinates) == 2))  # with colour bars
    assert len(figure.axes) == 3 * per_component
    to_svg(figure, "solution")


@pytest.mark.parametrize("coordinates", [("x", "t"), ("t", "x"), ("x", "y")])
def test_images_have_their_values_where_their_axes_say(coordinates):
    snapshot = make_snapshot(coordinates, reference=False)
    horizontal = coordinates.index("t") if "t" in coordinates else 0
    snapshot.fields["u"] = snapshot.points[:, horizontal] + 100 * snapshot.points[:, 1 - horizontal]
    image = figures.plot_solution(snapshot).axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    corners = image.get_array()[[0, 0, -1, -1], [0, -1, 0, -1]]
    expected = [left + 100 * bottom, right + 100 * bottom, left + 100 * top, right + 100 * top]
    assert_array_equal(corners, expected)


def test_there_is_no_picture_over_three_coordinates():
    snapshot = make_snapshot(("x", "y", "z"))
    assert not figures.can_plot(snapshot)
    with pytest.raises(ValueError, match="no picture"):
        figures.plot_solution(snapshot)


def test_thinning_keeps_ends_and_extremes():
    y = np.random.default_rng(0).standard_normal(100_000)
    y[50_000] = 99.0
    x, thin = figures.thinned(np.arange(len(y)), y)
    assert len(x) <= figures.MOST_POINTS + 2
    assert (x[0], x[-1]) == (0, len(y) - 1)
    assert (thin.min(), thin.max()) == (y.min(), 99.0)
    assert np.all(np.diff(x) > 0)


def test_ids_differ_between_figures():
    def ids(name):
        return set(re.findall(r'\bid="([^"]*)"', to_svg(figures.plot_spectrum(make_history()), name)))

    assert ids("one") and not ids("one") & ids("two")
