"""Kernels from factors against the Jacobian, and at sizes where no matrix fits (`pytest -m benchmark`)."""

import pytest

from .kernel_cost import SHAPES, alone

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize(
    ("shape", "faster", "leaner", "fewer"), [("2x64", 1, 1, 1), ("4x128", 3, 9, 7), ("4x512", 8, 20, 25)]
)
def test_kernel_of_a_laplacian_against_the_jacobian(shape, faster, leaner, fewer):
    found = alone("against_jacobian", *SHAPES[shape], 1024)
    ratio = {key: found["direct"][key] / found["factored"][key] for key in found["direct"]}
    assert found["difference"] <= 1e-12
    assert ratio["cpu_s"] >= faster
    assert ratio["temporary_mb"] >= leaner
    assert ratio["gmac"] >= fewer


def test_65536_points_stay_within_4_gigabytes():
    found = alone("figures", 128, 4, 65536)
    assert found["density"]["peak_mb"] <= 4096
    assert max(e / v for e, v in zip(found["errors"], found["eigenvalues_found"], strict=True)) <= 1e-6


def test_leading_eigenvalues_at_4096_points_agree_with_dense_ones():
    found = alone("figures", 128, 4, 4096)
    assert found["largest_error"] <= 1e-6
    assert abs(found["effective_dimension"] - found["exact_dimension"]) <= 4 * found["standard_error"] + 0.01
