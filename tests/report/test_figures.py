"""Pictures show what they should, and nothing that is unknown."""

import dataclasses
import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pinnkit.drawing import style
from pinnkit.drawing.scattered import draw_scattered
from pinnkit.report import figures, maps, pictures
from pinnkit.report.svg import to_svg
from pinnkit.runs.decisions import KeptStep
from pinnkit.runs.events import Stage

from .synthetic import make_grid_fields, make_history, make_record

OF_HISTORY = [
    figures.plot_losses,
    figures.plot_errors,
    figures.plot_weights,
    figures.plot_learning_rate,
    figures.plot_spectrum,
    figures.plot_blocks,
    figures.plot_drift,
    figures.plot_predictions,
    figures.plot_decays,
]
OF_NAMES = OF_HISTORY[:3] + [figures.plot_blocks]
HOSTILE = ("<script>alert(1)</script>", "$x_1$", "_under", "a & \"b\" 'c'", "new\nline\x00")


@pytest.mark.parametrize("plot", OF_HISTORY, ids=lambda plot: plot.__name__)
def test_names_are_drawn_as_they_are(plot):
    svg = to_svg(plot(make_history(HOSTILE, fields=HOSTILE)), "figure")
    assert "<script" not in svg
    if plot in OF_NAMES:
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
    figure = plot(history)
    for ax in figure.axes:
        if ax.get_yscale() == "log":
            curves = [np.asarray(line.get_ydata(), float) for line in ax.lines]
            drawn = np.concatenate(
                [np.empty(0), *(y for y in curves if y.tolist() != [0, 1])]
            )  # without marks of phases
            assert not np.any(np.isinf(drawn)) and not np.any(drawn <= 0)
            assert np.all(np.isfinite(ax.get_ylim())) and ax.get_ylim()[0] > 0
    assert "<svg" in to_svg(figure, "figure")


def test_a_kernel_that_vanishes_has_an_empty_picture():
    history = dataclasses.replace(make_history(), diagnostics=[make_record(rank=0, largest=0.0)])
    for plot in (figures.plot_spectrum, figures.plot_blocks):
        figure = plot(history)
        drawn = [np.asarray(line.get_ydata(), float) for ax in figure.axes for line in ax.lines]
        assert not any(np.isfinite(values).any() for values in drawn)
        assert "<svg" in to_svg(figure, "figure")


@pytest.mark.parametrize("plot", [figures.plot_spectrum, figures.plot_blocks], ids=lambda plot: plot.__name__)
def test_unresolvable_eigenvalues_are_never_drawn_as_values(plot):
    axes = plot(make_history()).axes
    lines = [line for ax in axes for line in ax.lines]
    drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in lines])
    floors = [record.noise_floor for record in make_history().diagnostics]
    floors += [block.noise_floor for block in make_history().diagnostics[-1].blocks.values()]
    assert not np.isin(drawn, np.array(floors) / 3).any()
    marks = [line for line in lines if line.get_marker() == "v"]
    assert marks and all(line.get_markerfacecolor() == "none" for line in marks)
    assert np.isin(np.concatenate([line.get_ydata() for line in marks]), floors).all()


def test_there_is_no_error_to_plot_without_a_reference():
    with pytest.raises(ValueError, match="no error to plot"):
        figures.plot_errors(make_history(fields=()))


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("coordinates", [("x",), ("x", "t"), ("t", "x"), ("x", "y")])
def test_solutions_of_one_and_two_coordinates_are_drawn(coordinates, reference):
    snapshot = make_grid_fields(coordinates, (("u", 1), ("v", 2)), reference)
    figure = pictures.plot_solution(snapshot)
    labels = {ax.get_xlabel() for ax in figure.axes} - {""}
    assert labels == {"t" if "t" in coordinates else "x"}
    per_component = (1 + (1 + (len(coordinates) == 2)) * reference) * (1 + (len(coordinates) == 2))  # with colour bars
    assert len(figure.axes) == 3 * per_component
    to_svg(figure, "solution")


@pytest.mark.parametrize("coordinates", [("x", "t"), ("t", "x"), ("x", "y")])
def test_pixels_of_images_match_their_axes(coordinates):
    snapshot = make_grid_fields(coordinates, reference=False)
    horizontal = coordinates.index("t") if "t" in coordinates else 0
    snapshot.fields["u"] = snapshot.points[:, horizontal] + 100 * snapshot.points[:, 1 - horizontal]
    image = pictures.plot_solution(snapshot).axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    corners = image.get_array()[[0, 0, -1, -1], [0, -1, 0, -1]]
    expected = [left + 100 * bottom, right + 100 * bottom, left + 100 * top, right + 100 * top]
    assert_array_equal(corners, expected)


@pytest.mark.parametrize("coordinates", [("x",), ("x", "y"), ("x", "t"), ("x", "y", "t"), ("x", "y", "z", "w")])
def test_nothing_is_drawn_where_the_reference_is_nan_and_scales_ignore_it(coordinates):
    snapshot = make_grid_fields(coordinates)
    hole = snapshot.points[:, 0] > np.median(snapshot.points[:, 0])
    snapshot.fields["u"] = np.where(hole, 1e9, snapshot.fields["u"])
    snapshot.reference["u"] = np.where(hole, np.nan, snapshot.reference["u"])
    figure = pictures.plot_solution(snapshot)
    for ax in figure.axes:
        for image in ax.images:
            assert np.ma.getmaskarray(np.ma.masked_invalid(image.get_array())).any() and image.norm.vmax < 100
        for line in ax.lines:
            assert np.nanmax(np.abs(line.get_ydata())) < 100
    to_svg(figure, "solution")


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("coordinates", [("x", "y", "z"), ("x", "y", "t")])
def test_fields_over_three_coordinates_are_drawn_in_slices(coordinates, reference):
    snapshot = make_grid_fields(coordinates, (("u", 1), ("v", 2)), reference)
    figure = pictures.plot_solution(snapshot)
    images = [ax for ax in figure.axes if ax.images]
    assert len(images) == 3 * 3 * (3 if reference else 1)
    titles = [ax.get_title() for ax in images]
    expected = ["u at t = -1", "u at t = 1", "u at t = 3"] if "t" in coordinates else ["u at z = -0.2", "u at z = 1"]
    assert set(expected) <= set(titles)
    assert {ax.get_xlabel() for ax in images} == {"x"}
    assert {ax.get_ylabel() for ax in images} == {"y"}


def test_slices_match_their_titles():
    snapshot = make_grid_fields(("x", "y", "t"), reference=False)
    snapshot.fields["u"] = snapshot.points @ [1.0, 10.0, 100.0]
    for ax in pictures.plot_solution(snapshot).axes[:3]:
        at = float(ax.get_title().split("=")[1])
        left, right, bottom, top = ax.images[0].get_extent()
        corners = ax.images[0].get_array()[[0, 0, -1, -1], [0, -1, 0, -1]]
        expected = [x + 10 * y + 100 * at for y in (bottom, top) for x in (left, right)]
        np.testing.assert_allclose(corners, expected, rtol=1e-12)


def test_solutions_in_time_are_drawn_at_five_times():
    snapshot = make_grid_fields(("x", "t"), (("u", 1),))
    (ax,) = pictures.plot_slices(snapshot).axes
    assert len(ax.lines) == 10  # with the reference
    assert [text.get_text() for text in ax.get_legend().get_texts()][0] == "t = -1"
    with pytest.raises(ValueError, match="slices at several times"):
        pictures.plot_slices(make_grid_fields(("x", "y")))


def test_solutions_over_four_coordinates_are_drawn_against_the_reference():
    names = ("x", "y", "z", "w")
    (ax,) = pictures.plot_solution(make_grid_fields(names)).axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("reference", "solution")
    assert not pictures.can_plot(make_grid_fields(names, reference=False))
    with pytest.raises(ValueError, match="cannot draw"):
        pictures.plot_solution(make_grid_fields(names, reference=False))


def test_thinning_keeps_ends_and_extremes():
    y = np.random.default_rng(0).standard_normal(100_000)
    y[50_000] = 99.0
    x, thin = style.thinned(np.arange(len(y)), y)
    assert len(x) <= style.MOST_POINTS + 2
    assert (x[0], x[-1]) == (0, len(y) - 1)
    assert (thin.min(), thin.max()) == (y.min(), 99.0)
    assert np.all(np.diff(x) > 0)


def test_ids_differ_between_figures():
    def ids(name):
        return set(re.findall(r'\bid="([^"]*)"', to_svg(figures.plot_spectrum(make_history()), name)))

    assert ids("one") and not ids("one") & ids("two")


def test_curves_of_few_points_have_marks_and_the_kept_step_is_marked():
    history = make_history()
    (ax,) = figures.plot_errors(history).axes
    assert ax.lines[0].get_marker() == "o"
    assert not [text for text in ax.texts if "kept" in text.get_text()]
    history.decisions.append(KeptStep(300, 1e-3, 800, 2e-3))
    (ax,) = figures.plot_losses(history).axes
    assert [text.get_position()[0] for text in ax.texts if "kept" in text.get_text()] == [300]


def test_names_of_phases_do_not_overlap():
    history = make_history()
    history.phases[:] = [Stage(f"a long name of phase {i}", at, 0.0, 0) for i, at in enumerate((0, 5, 10, 15, 700))]
    figure = figures.plot_losses(history)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) >= 4  # what has no place is left out
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_signed_fields_have_a_diverging_map_around_zero():
    snapshot = make_grid_fields(("x", "t"), reference=False)
    image = pictures.plot_single(snapshot, what="solution").axes[0].images[0]
    assert image.cmap.name == "RdBu_r" and image.norm.vmin == -image.norm.vmax
    snapshot.fields["u"] = snapshot.fields["u"] + 5
    assert pictures.plot_single(snapshot, what="solution").axes[0].images[0].cmap.name == "viridis"


@pytest.mark.parametrize("coordinates", [("x",), ("x", "t"), ("x", "y", "t")])
def test_residuals_and_points_are_drawn_over_up_to_three_coordinates(coordinates):
    snapshot = make_grid_fields(coordinates)
    for figure in (
        maps.plot_residual(snapshot, condition="pde"),
        maps.plot_points(snapshot),
        maps.plot_histogram(snapshot),
    ):
        assert "<svg" in to_svg(figure, "figure")
    assert maps.can_plot_error_in_time(snapshot) == ("t" in coordinates)


def test_the_error_against_time_is_that_of_each_time():
    snapshot = make_grid_fields(("x", "t"))
    times = snapshot.points[:, 1]
    snapshot.fields["u"] = snapshot.reference["u"] + np.exp(times)
    (ax,) = maps.plot_error_in_time(snapshot).axes
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(y, np.exp(x) / np.sqrt(np.mean(snapshot.reference["u"] ** 2)))


def test_scattered_values_are_interpolated_where_points_are_and_nowhere_else():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (3000, 2))
    ring = points[np.linalg.norm(points, axis=1) > 0.5]
    _, ax = style.new_axes("x", "y")
    draw_scattered(None, ax, ("x", "y"), ring, ring @ [1.0, 2.0], "viridis", (-3, 3))
    image = ax.images[0].get_array().filled(np.nan)
    left, right, bottom, top = ax.images[0].get_extent()
    x, y = np.meshgrid(np.linspace(left, right, image.shape[1]), np.linspace(bottom, top, image.shape[0]))
    inside = np.hypot(x, y) < 0.35
    assert np.isnan(image[inside]).all() and np.isnan(image).mean() < 0.3
    known = np.isfinite(image)
    assert np.abs(image - x - 2 * y)[known].mean() < 0.05


def test_modes_are_drawn_on_the_points_of_their_condition():
    figure = maps.plot_modes(make_record(), {})
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == 5 and titles[0].startswith("mode 1, on pde\nλ = 1,000, ")
    x, y = figure.axes[1].lines[-1].get_data()
    np.testing.assert_allclose(
        np.abs(y), np.abs(np.sin(2 * np.pi * x)) / np.abs(np.sin(2 * np.pi * x)).max(), atol=1e-12
    )
