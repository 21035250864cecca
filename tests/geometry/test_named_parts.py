"""Parts of a boundary that functions of coordinates name."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Disk
from pinnkit._base.errors import InputError

PLATE = (Box(x=(0.0, 2.0), y=(0.0, 1.0)) - Disk(0.2, x=1.0, y=0.5).named("hole")).named(
    "outlet", where=lambda x: x > 1.9
)


def test_a_function_names_its_points_and_no_others():
    expected = {"left": 1.0, "bottom": 1.9, "top": 1.9, "outlet": 1.2, "hole": 0.4 * np.pi}
    assert PLATE.parts == pytest.approx(expected, rel=1e-13)
    x, normals = PLATE.boundary("outlet").placed(np.random.default_rng(0).random((200, 1)))
    assert (x[:, 0] >= 1.9).all() and {0.0, 1.0} == set(np.abs(normals).ravel())


def test_the_name_stays_with_the_points_through_movements_and_set_operations():
    moved = PLATE.rotate(0.3, x=1.0, y=0.0).scale(2.0).translate(y=1.0)
    assert moved.parts == pytest.approx({name: 2 * length for name, length in PLATE.parts.items()}, rel=1e-13)
    cut = PLATE - Disk(0.2, x=2.0, y=0.0).named("notch")
    expected = PLATE.parts | {"bottom": 1.8, "outlet": 0.9, "notch": 0.1 * np.pi}
    assert cut.parts == pytest.approx(expected, rel=1e-13)
    beyond = PLATE | Disk(0.05, x=1.94, y=1.0)  # its circle was not there to be named
    assert beyond.parts["circle"] == pytest.approx(0.05 * np.pi, rel=1e-13)


def test_the_last_name_counts_and_names_can_be_changed():
    half = Disk(1.0).named("right", where=lambda x: x > 0).named("upper", where=lambda y: y > 0)
    assert half.parts == pytest.approx({"circle": np.pi / 2, "right": np.pi / 2, "upper": np.pi}, rel=1e-13)
    assert set(half.named(upper="top").parts) == {"circle", "right", "top"}
    assert half.named("rim").parts == pytest.approx({"rim": 2 * np.pi}, rel=1e-13)


def test_a_box_becomes_a_shape():
    channel = Box(x=(0.0, 3.0), y=(0.0, 1.0)).named("inlet", where=lambda x, y: (x == 0.0) & (y > 0.5))
    assert channel.parts == pytest.approx({"left": 0.5, "right": 1, "bottom": 3, "top": 3, "inlet": 0.5}, rel=1e-13)


def test_functions_that_hold_nowhere_and_missing_names_are_refused():
    with pytest.raises(InputError, match="is true nowhere on it"):
        PLATE.named("a", where=lambda x: x > 5.0)
    with pytest.raises(InputError, match="unknown argument"):
        PLATE.named("a", where=lambda z: z > 5.0)
    with pytest.raises(InputError, match="named by a text, got None"):
        PLATE.named(where=lambda x: x > 1.0)


def test_a_function_of_jax_numpy_selects_in_double_precision():
    upper = Disk(1.0).boundary(lambda y: jnp.exp(y) > 1.5)
    assert sum(upper.measures) == pytest.approx(2 * np.arccos(np.log(1.5)), rel=1e-12)
