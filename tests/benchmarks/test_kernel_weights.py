"""NTK weights cost about as much as a gradient step, and no Jacobian (`pytest -m benchmark` for the costs)."""

import numpy as np
import pytest

from .kernel_weights import figures, traces


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("factorised", [False, True])
def test_traces_are_those_of_per_sample_gradients(factorised):
    found = traces(points=20, width=16, depth=2, factorised=factorised)
    for name, trace in found["jaxpi"].items():
        np.testing.assert_allclose(found["pinnkit"][name], trace, rtol=1e-12)


@pytest.mark.benchmark
@pytest.mark.parametrize("factorised", [False, True])
def test_traces_at_batch_4096_cost_at_most_two_gradient_steps_and_300_megabytes(factorised):
    found = figures(factorised=factorised)
    assert found["pinnkit traces"].temporary_bytes <= 0.3e9
    assert found["pinnkit traces"].flops <= 2 * min(found[step].xla_flops for step in ("pinnkit step", "jaxpi step"))
