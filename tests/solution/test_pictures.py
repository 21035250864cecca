"""Pictures of a solution show its values, and have them as numbers."""

import csv
import io

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import pinnkit
from pinnkit import Box, Condition, Problem, fit

from .test_expressions import exactly


def solved(domain, apply, fields=("u",), reference=None):
    """A solution whose fields are `apply` of a point."""
    problem = Problem("example", domain, {"pde": Condition(lambda: 0.0, on=domain.interior)}, fields, {}, reference)
    with jax.enable_x64(True):
        return fit(problem, exactly(apply), strategy="adam", steps=0, points=4)


@pytest.fixture(scope="module")
def wave():
    """u = (x − ½) (1 + t), of both signs."""
    domain = Box(x=(0.0, 1.0), t=(0.0, 2.0))
    apply = lambda z: ((z[0] - 0.5) * (1 + z[1]))[None]
    return solved(domain, apply, reference=lambda x, t: (x - 0.5) * (1 + t))


@pytest.fixture(scope="module")
def flow():
    """v = (x, y + t), p = 1 + x y over two coordinates and time."""
    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0), t=(0.0, 2.0))
    apply = lambda z: jnp.stack([z[0], z[1] + z[2], 1 + z[0] * z[1]])
    return solved(domain, apply, {"v": 2, "p": 1})


def test_times_are_curves_with_the_reference_dashed(wave):
    picture = wave.plot(t=[0.0, 1.0, 2.0])
    (ax,) = picture.figure.axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["t = 0", "t = 1", "t = 2", "reference"]
    for line, t in zip(ax.lines[::2], (0, 1, 2), strict=True):
        np.testing.assert_allclose(line.get_ydata(), (np.asarray(line.get_xdata()) - 0.5) * (1 + t), atol=1e-15)
    data = picture.data
    np.testing.assert_allclose(data["u"], (data["x"] - 0.5) * (1 + data["t"]), atol=1e-15)
    np.testing.assert_allclose(data["u"], data["u_reference"], atol=1e-15)


def test_fields_over_time_and_space_are_images_on_a_symmetric_scale(wave):
    picture = wave.plot()
    ax = picture.figure.axes[0]
    (image,) = ax.images
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("t", "x")
    assert image.get_clim() == (-1.5, 1.5) and image.get_cmap().name == "RdBu_r"
    grid = np.asarray(image.get_array())
    np.testing.assert_allclose(grid[[0, 0, -1, -1], [0, -1, 0, -1]], [-0.5, -1.5, 0.5, 1.5], atol=1e-15)
    assert wave.plot(cmap="magma").figure.axes[0].images[0].get_cmap().name == "magma"


def test_three_coordinates_are_drawn_at_three_times_for_each_component(flow):
    picture = flow.plot()
    titles = [ax.get_title() for ax in picture.figure.axes if ax.get_title()]
    assert titles == [f"{name} at t = {t}" for name in ("v[0]", "v[1]", "p") for t in (0, 1, 2)]
    np.testing.assert_allclose(picture.data["v[1]"], picture.data["y"] + picture.data["t"])
    assert len(flow.plot("p", t=1.0).figure.axes) == 2  # with its bar


def test_axes_of_others_are_drawn_on(wave):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert wave.plot(t=0.5, ax=left).figure is figure
    assert wave.history.plot(ax=right).figure is figure
    assert left.lines


def test_numbers_are_read_back_exactly(wave, tmp_path):
    picture = wave.plot(x=0.3)
    rows = list(csv.DictReader(picture.to_csv(tmp_path / "u.csv").read_text().splitlines()))
    for name, column in picture.data.items():
        np.testing.assert_array_equal([float(row[name]) for row in rows], column)
    assert picture.to_pandas()["u"].tolist() == picture.data["u"].tolist()


def test_notebooks_show_pictures_and_files_have_formats(wave, tmp_path):
    before = dict(mpl.rcParams)
    picture = wave.plot()
    assert Image.open(io.BytesIO(picture._repr_png_())).format == "PNG"
    assert picture.save(tmp_path / "u.svg").read_text().startswith("<?xml")
    with pytest.raises(pinnkit.InputError, match="no known format"):
        picture.save(tmp_path / "u.doc")
    assert dict(mpl.rcParams) == before


def test_movies_have_a_frame_for_each_time(wave, flow, tmp_path):
    with Image.open(wave.animate(tmp_path / "u.gif", frames=4)) as movie:
        assert movie.n_frames == 4
        first = np.asarray(movie.convert("RGB"), float)
        movie.seek(3)
        assert np.abs(np.asarray(movie.convert("RGB"), float) - first).max() > 100
    with Image.open(flow.animate(tmp_path / "p.gif", "p", frames=2)) as movie:
        assert movie.n_frames == 2
    with pytest.raises(pinnkit.InputError, match="a `.gif` or `.mp4`"):
        wave.animate(tmp_path / "u.avi")


def test_movies_need_ffmpeg_for_mp4(wave, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pinnkit.MissingPackageError, match="ffmpeg"):
        wave.animate(tmp_path / "u.mp4")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda wave, flow: wave.plot("v"), "no field 'v'; there are \\['u'\\]"),
        (lambda wave, flow: wave.plot(y=0.0), "unknown coordinate\\(s\\) \\['y'\\]"),
        (lambda wave, flow: wave.plot(x=0.0, t=0.0), "leave one of them out"),
        (lambda wave, flow: wave.plot(cmap="none"), "no colour map 'none'"),
        (lambda wave, flow: flow.plot(ax=Figure().subplots()), "9 panels, too many for `ax`"),
        (lambda wave, flow: flow.plot(t=np.linspace(0, 1, 20)), "60 panels, more than 24"),
        (lambda wave, flow: wave.animate("u.gif", along="z"), "unknown coordinate 'z'"),
        (lambda wave, flow: wave.animate("u.gif", frames=1), "`frames` is a whole number ≥ 2"),
    ],
)
def test_pictures_that_cannot_be_drawn(wave, flow, draw, message):
    with pytest.raises(pinnkit.InputError, match=message):
        draw(wave, flow)


def test_losses_of_a_run_are_drawn_and_exported():
    problem = Problem("line", Box(x=(0.0, 1.0)), {"pde": Condition(lambda u: u.x - 1, on=Box(x=(0.0, 1.0)).interior)})
    history = fit(problem, strategy="adam", steps=10, points=4, width=4, depth=1).history
    picture = history.plot()
    np.testing.assert_array_equal(picture.data["loss"][:10], history.loss)
    last = history.checks[-1]
    assert picture.data["validation_loss"][last.step] == last.validation_loss
    assert picture.figure.axes[0].get_yscale() == "log"
