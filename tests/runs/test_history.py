"""One data set with named dimensions, and what other tools get of it."""

import dataclasses
import math
import sys

import msgspec
import numpy as np
import pytest

from pinnkit.runs.codec import CHECKS, COLUMNS, Column, pack, unpack
from pinnkit.runs.decisions import Attempt, Note, SkippedWindows, SkippedWork
from pinnkit.runs.events import Check
from pinnkit.runs.growing_array import GrowingArray
from pinnkit.runs.history import Excerpt, History
from pinnkit.runs.storage.named_arrays import Variable, decode_variables, encode_variables, to_xarray, variable

from ..report.synthetic import make_grid_fields, make_history, make_prediction, make_record, make_shape, make_theory

NAMES = ("pde", "walls", "a/b[0] ü")


def rich_history():
    """Kernel snapshots of different sizes, with and without a theory, a described residual, an alignment."""
    records = [
        make_record(0, NAMES, n=20, rank=10, kernel_alignment=None, shapes=()),
        make_record(10, NAMES, n=64, theory=make_theory(64), prediction=None),
        make_record(
            500, NAMES, n=64, prediction=make_prediction(10, 500, n=64), shapes=(make_shape("pde", component=2),)
        ),
        make_record(800, NAMES, rank=0, largest=0.0, mode_frequencies={}),
    ]
    decisions = [
        Note("a remark"),
        SkippedWork("width 48", 60.0, 5.0, 12.5),
        Attempt("time windows", 1.0, 2.0, math.inf, None),
        SkippedWindows("time windows", 78.0, 5.0, 12.5, time=0.037, done=1),
    ]
    return dataclasses.replace(make_history(NAMES, fields=("u", "v")), diagnostics=records, decisions=decisions)


def flat(item):
    """Everything in a history, down to arrays and words."""
    if isinstance(item, msgspec.Struct):
        return [type(item), *msgspec.structs.astuple(item)]
    if dataclasses.is_dataclass(item):
        return [x for f in dataclasses.fields(item) for x in flat(getattr(item, f.name))]
    if isinstance(item, dict):
        return [x for key, value in item.items() for x in [key, *flat(value)]]
    if isinstance(item, list | tuple):
        return [x for value in item for x in flat(value)]
    return [item]


def assert_same(one, other):
    for a, b in zip(flat(one), flat(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_history_is_the_same_after_a_round_trip_through_its_variables():
    assert_same(History.from_variables(rich_history().variables), rich_history())


@pytest.mark.parametrize("coordinates", [("x",), ("x", "t"), ("x", "y", "z", "w")])
def test_a_file_gives_back_history_and_snapshot(tmp_path, coordinates):
    snapshot = make_grid_fields(coordinates, (("u", 1), ("v", 2)))
    history, pictures = History.decoded(rich_history().encoded(snapshot))
    assert_same(history, rich_history())
    assert_same(pictures, snapshot)


def test_an_empty_history_is_kept_too(tmp_path):
    empty = History.empty(("pde",), ("x",))
    assert_same(History.decoded(empty.encoded(make_grid_fields()))[0], empty)


def stretch(count, first=0):
    """What a stretch of steps reports."""
    values = np.arange(first, first + count, dtype=float)
    table = {name: values + i for i, name in enumerate(NAMES)}
    return {
        "loss": values,
        "gradient_norm": -values,
        "learning_rate": values,
        "losses": table,
        "coefficients": {},
        "weights": table,
    }


def test_recording_copies_each_figure_a_bounded_number_of_times():
    """A million steps in stretches of 100: what is allocated is no more than four times what is kept."""
    history, rooms = History.empty(NAMES, ("x",)), {}
    for first in range(0, 10**6, 100):
        history.append(first, stretch(100, first))
        for column in (history.loss, history.step, history.weights["pde"]):
            rooms[id(column.base)] = column.base
    assert sum(room.size for room in rooms.values()) <= 4 * 3 * 10**6
    np.testing.assert_array_equal(history.step, np.arange(10**6))
    np.testing.assert_array_equal(history.losses["walls"], np.arange(10**6) + 1)
    assert history.step.dtype == np.int64 and history.loss.dtype == np.float64


class Untouchable(list):
    """A list that nobody may go through, only ask for its length."""

    def __iter__(self):
        raise AssertionError("it was gone through")

    __getitem__ = __iter__


def test_an_excerpt_costs_the_same_however_long_the_history_is():
    history = make_history(NAMES)
    history.checks, history.decisions = Untouchable(range(10**5)), Untouchable("ab")
    excerpt = Excerpt(history)
    assert excerpt.steps == len(history.step)
    assert excerpt._history.loss is history.loss  # nothing is copied


def test_an_excerpt_stays_as_it_is_when_the_history_goes_on():
    history = rich_history()
    expected, excerpt = flat(rich_history()), Excerpt(history)
    history.append(800, stretch(5, 800))
    history.append(805, stretch(500, 805))
    history.checks.append(history.checks[0])
    history.diagnostics = history.diagnostics[:1]
    history.decisions.append(Note("more"))
    for a, b in zip(flat(excerpt.history), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    one, other = excerpt.history, excerpt.history
    one.append(800, stretch(3))
    other.append(800, stretch(3, 7))
    assert one.loss[-3:].tolist() == [0, 1, 2] and other.loss[-3:].tolist() == [7, 8, 9]
    assert history.loss[800:805].tolist() == [800, 801, 802, 803, 804]


def test_a_column_that_is_replaced_is_gone_on_from():
    history = History.empty(NAMES, ("x",))
    history.append(0, stretch(4))
    history.loss = history.loss[:2]
    history.append(2, stretch(1, 50))
    assert history.loss.tolist() == [0, 1, 50]
    column = GrowingArray(np.arange(3))
    column.extend(np.arange(0))
    assert column.values.tolist() == [0, 1, 2]


def test_the_file_is_open_plain_arrays_and_the_names_of_their_axes(tmp_path):
    (tmp_path / "history.npz").write_bytes(rich_history().encoded(make_grid_fields()))
    with np.load(tmp_path / "history.npz", allow_pickle=False) as archive:
        assert archive["loss"].shape == (800,)
    variables = decode_variables((tmp_path / "history.npz").read_bytes())
    assert variables["mean_square"].dimensions == ("step", "condition")
    assert variables["eigenvalue"].dimensions == ("snapshot", "mode")
    assert variables["block_eigenvalue"].dimensions == ("snapshot", "condition", "block_mode")
    assert variables["frequency_half_waves"].dimensions == ("snapshot", "mode", "coordinate")


def test_axes_have_names():
    with pytest.raises(ValueError, match="do not name the axes"):
        Variable(("step",), np.zeros((2, 2)))


def test_xarray_selects_by_name():
    data = rich_history().to_xarray()
    history = rich_history()
    np.testing.assert_array_equal(data.mean_square.sel(condition="walls"), history.losses["walls"])
    np.testing.assert_array_equal(data.relative_l2.sel(field="v")[-1], history.checks[-1].relative_l2["v"])
    assert data.sizes["mode"] == 64
    assert int(data.eigenvalue.isel(snapshot=0).notnull().sum()) == 20


def test_pandas_has_a_table_for_each_set_of_dimensions():
    history = rich_history()
    steps = history.to_pandas("step")
    assert list(steps) == ["loss", "gradient_norm", "learning_rate"]
    assert steps.index.name == "step"
    losses = history.to_pandas("step", "condition")
    np.testing.assert_array_equal(losses.loc[(5, "walls"), "mean_square"], history.losses["walls"][5])
    with pytest.raises(ValueError, match=r"no variable has the dimensions \(mode\); there are \(condition\)"):
        history.to_pandas("mode")


def test_tensorboard_gets_curves_and_spectra(tmp_path):
    tensorboardX = pytest.importorskip("tensorboardX")  # noqa: N806
    del tensorboardX
    folder = rich_history().to_tensorboard(tmp_path / "events")
    (file,) = folder.iterdir()
    content = file.read_bytes()
    for tag in (b"loss", b"mean_square/walls", b"relative_l2/v", b"kernel_drift", b"log10_of_resolvable_eigenvalues"):
        assert tag in content


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("xarray", "data", lambda: make_history().to_xarray()),
        ("pandas", "data", lambda: make_history().to_pandas("step")),
        ("tensorboardX", "tensorboard", lambda: make_history().to_tensorboard("nowhere")),
    ],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, package, extra, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pinnkit\[{extra}\]"):
        call()


def test_a_broken_file_is_refused(tmp_path):
    data = encode_variables({"loss": variable([1.0], "step")})
    with pytest.raises(KeyError):
        History.decoded(data)


def test_decisions_come_back_from_their_file_as_data():
    history = History.decoded(rich_history().encoded(make_grid_fields()))[0]
    assert history.decisions == rich_history().decisions
    assert history.skipped_work == [rich_history().decisions[i] for i in (1, 3)]


def test_a_figure_is_one_line_in_the_table(monkeypatch):
    """A new column is written and read without any other change."""
    checks = rich_history().checks
    labels = {"condition": NAMES, "field": ("u", "v")}
    fewer = tuple(column for column in CHECKS if column.path != "seconds")
    monkeypatch.setitem(COLUMNS, Check, fewer)
    assert "check_seconds" not in pack(Check, checks, labels)
    monkeypatch.setitem(COLUMNS, Check, (*fewer, Column("more", ("check",), float, "seconds")))
    variables = pack(Check, checks, labels)
    assert variables["more"].values.tolist() == [check.seconds for check in checks]
    assert unpack(Check, variables, labels) == checks


def test_labels_become_coordinates():
    data = to_xarray({"a": variable(["p", "q"], "a"), "b": variable([1, 2], "a")}, {"note": "n"})
    assert data.b.sel(a="q") == 2 and data.attrs == {"note": "n"}
