"""Parameters as a file: the same arrays come back."""

import numpy as np
import pytest

from pinnkit.runs.storage.atomic_files import RunFolderError
from pinnkit.runs.storage.weights_file import decode_params, encode_params

PARAMS = {
    "coefficients": {"k": np.array(0.3)},
    "network": [np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3).T, np.zeros(0)],
}


def test_arrays_of_every_shape_come_back():
    """Scalars too, such as an unknown coefficient; a transposed array in its own order."""
    found = decode_params(encode_params(PARAMS, {"problem": "p"}), PARAMS, "here")
    assert found["coefficients"]["k"].shape == () and found["coefficients"]["k"] == 0.3
    for one, other in zip(found["network"], PARAMS["network"], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_parameters_of_another_shape_are_refused():
    like = {**PARAMS, "coefficients": {"k": np.zeros(1)}}
    with pytest.raises(RunFolderError, match=r"belongs to another model: it has coefficients/k \(\)"):
        decode_params(encode_params(PARAMS, {}), like, "here")
