"""What every child does, in whichever environment: the same network, the same points, one line of JSON.

`python CHILD.py DEPTH WIDTH N DTYPE ENTRY`. The network is a tanh MLP from two coordinates to one number.
"""

import json
import resource
import statistics
import sys
import time

import jax
import numpy as np
from costs import arithmetic

DEPTH, WIDTH, N = map(int, sys.argv[1:4])
DTYPE, ENTRY = sys.argv[4:6]

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", DTYPE == "float64")
resource.setrlimit(resource.RLIMIT_AS, (20 * 2**30, resource.RLIM_INFINITY))  # fail alone, not with the machine

_rng = np.random.default_rng(0)
_sizes = [2] + DEPTH * [WIDTH] + [1]
WEIGHTS = [  # (inputs, outputs) each
    (_rng.standard_normal((a, b)) / np.sqrt(a)).astype(DTYPE) for a, b in zip(_sizes[:-1], _sizes[1:], strict=True)
]
BIASES = [np.zeros(b, DTYPE) for b in _sizes[1:]]
POINTS = _rng.uniform(-1, 1, (N, 2)).astype(DTYPE)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(kernel, *args, compiled, scale=1.0):
    """Times `kernel(*args)`, ahead-of-time compiled or as it comes, and prints what was seen.

    `scale` is what the result is multiplied by before it is compared, for kernels with another normalisation.
    """
    jax.block_until_ready(jax.jit(lambda x: x @ x.T)(POINTS[:8]))
    base, start = peak_mb(), time.perf_counter()
    analysis = {}
    if compiled:
        count = count_of(kernel, *args)
        kernel = jax.jit(kernel).lower(*args).compile()
        analysis = analysis_of(kernel) | count
    K = jax.block_until_ready(kernel(*args))
    cold = time.perf_counter() - start
    wall, cpu, start = [], [], time.perf_counter()
    while len(wall) < 3 or (len(wall) < 9 and time.perf_counter() - start < 8):
        before = time.perf_counter(), time.process_time()
        jax.block_until_ready(kernel(*args))
        wall.append(time.perf_counter() - before[0])
        cpu.append(time.process_time() - before[1])
        if time.perf_counter() - start > 60:
            break
    peak = peak_mb()  # before the comparison, which takes memory of its own
    result_dtype, K = str(K.dtype), scale * np.asarray(K, float).reshape(N, N)
    stride = max(1, N // 16)
    print(
        json.dumps(
            {
                "wall_s": statistics.median(wall),
                "cpu_s": statistics.median(cpu),
                "repetitions": len(wall),
                "cold_s": cold,
                "base_mb": base,
                "peak_mb": peak,
                "result_dtype": result_dtype,
                "jax": jax.__version__,
                "sample": K[::stride, ::stride].ravel().tolist(),
                **analysis,
            }
        )
    )


def analysis_of(compiled):
    """XLA's temporary memory; that of jax 0.4.25 on a CPU says zero whatever is asked."""
    memory = compiled.memory_analysis()
    return {"temporary_mb": memory.temp_size_in_bytes / 1e6} if memory and memory.temp_size_in_bytes else {}


def count_of(kernel, *args):
    """Multiply-adds of dot products as traced, each entry of a symmetric product for itself."""
    try:
        return {"gmac": arithmetic(kernel, *args)[1] / 1e9}
    except ValueError:  # not known before it runs
        return {}
