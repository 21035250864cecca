"""The needs of optimizers are found inside any wrapper, and enforced."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import NTKWeighting, Phase, QuasiRandom, Strategy, fit, levenberg_marquardt, quasi_newton, scale_by_soap
from pinnkit.optimizers.momentum import Moments, is_gradient_descent, moments_of, preconditioner_of
from pinnkit.optimizers.traits import Traits, traits_in, traits_of

from ..problems_for_tests import poisson

QUICK = {"width": 4, "depth": 1, "points": 16, "steps": 2, "constraints": "soft"}
PARAMS = {"a": jnp.ones(3), "b": jnp.ones((2, 2))}
LM, LBFGS = levenberg_marquardt(), optax.scale_by_lbfgs()


def labelled(optimizer):
    return optax.multi_transform({"x": optimizer, "y": optax.identity()}, {"a": "x", "b": "y"})


@pytest.mark.parametrize(
    "wrap",
    [
        lambda o: o,
        lambda o: optax.chain(optax.clip(1.0), o, optax.scale(-1.0)),
        lambda o: optax.chain(optax.identity(), optax.chain(o)),
        lambda o: optax.apply_if_finite(o, 3),
        lambda o: optax.masked(o, {"a": True, "b": False}),
        labelled,
    ],
    ids=["alone", "chain", "chain in a chain", "apply_if_finite", "masked", "multi_transform"],
)
def test_traits_survive_wrapping(wrap):
    assert traits_of(wrap(LM), PARAMS) == Traits(needs_double=True, linearizes=True)
    assert traits_of(wrap(LBFGS), PARAMS) == Traits(needs_fixed=True)
    assert traits_of(wrap(quasi_newton()), PARAMS) == Traits(needs_double=True)
    assert traits_of(wrap(optax.scale_by_adam()), PARAMS) == Traits()


def test_the_optimizer_of_a_user_may_have_traits():
    class Mine(optax.EmptyState):
        traits = Traits(needs_fixed=True)

    assert traits_in((optax.EmptyState(), {"inner": Mine()})).needs_fixed


def test_the_line_search_of_optax_needs_nothing():
    assert traits_of(optax.scale_by_zoom_linesearch(5), PARAMS) == Traits()


@pytest.mark.parametrize(
    "strategy",
    [
        levenberg_marquardt(),
        optax.chain(levenberg_marquardt(), optax.scale(0.5)),
        Strategy("mine", (Phase("adam", optax.adam(1e-3)), Phase("finish", levenberg_marquardt()))),
        "gauss-newton",
        "ssbroyden",
    ],
    ids=["alone", "in a chain", "in a phase", "gauss-newton", "ssbroyden"],
)
def test_single_precision_is_an_error_for_optimizers_that_need_double(strategy):
    with pytest.raises(ValueError, match="needs precision 'double': rounding in single precision"):
        fit(poisson(), strategy=strategy, precision="single", **QUICK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "lbfgs", "sampler": "uniform"}, "its points must not move, and Uniform draws them anew every 10"),
        ({"strategy": optax.lbfgs(), "sampler": "quasi-random"}, "phase 'optax' .* its points must not move"),
        ({"strategy": "lbfgs", "weighting": "relobralo"}, "its weights must not change, and ReLoBRaLoWeighting"),
        ({"strategy": Strategy("mine", (Phase("p", optax.lbfgs()),))}, "leave out `sampler`, or give one with"),
        (
            {"strategy": Strategy("mine", (Phase("p", optax.lbfgs(), None, NTKWeighting()),), QuasiRandom())},
            "leave out `weighting`, or give it to an earlier phase",
        ),
    ],
    ids=["sampler", "optax with a sampler", "weighting", "default sampler", "own weighting"],
)
def test_points_and_weights_must_not_change_for_differences_of_gradients(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(poisson(), **arguments, **QUICK)


@pytest.mark.slow
def test_lbfgs_alone_trains_on_fixed_points():
    run = fit(poisson(), strategy=optax.lbfgs(), **{**QUICK, "steps": 30})
    assert run.history.loss[-1] < 0.1 * run.history.loss[0]


@pytest.mark.slow
def test_a_chained_optimizer_takes_the_steps_of_the_optimizer():
    """Halves of Levenberg-Marquardt's updates, with the gradient from its own linearization."""
    whole = fit(poisson(), strategy=levenberg_marquardt(), **{**QUICK, "steps": 1})
    half = fit(poisson(), strategy=optax.chain(levenberg_marquardt(), optax.scale(0.5)), **{**QUICK, "steps": 1})
    start = fit(poisson(), strategy=levenberg_marquardt(), **{**QUICK, "steps": 0})
    moved = [jax.tree.map(lambda a, b: a - b, run._params, start._params) for run in (half, whole)]
    for a, b in zip(*map(jax.tree.leaves, moved), strict=True):
        assert a == pytest.approx(0.5 * b, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "moments"),
    [
        (optax.scale_by_adam(), Moments(0.9, 0.999, 1e-8)),
        (optax.scale_by_adam(0.8, 0.99, 1e-4), Moments(0.8, 0.99, 1e-4)),
        (optax.chain(optax.identity(), optax.scale_by_adam(b1=0.0)), Moments(0.0, 0.999, 1e-8)),
        (scale_by_soap(b1=0.95, b2=0.9, eps=1e-3), Moments(0.95, 0.9, 1e-3)),
        (optax.scale_by_adam(nesterov=True), None),
        (optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam()), None),
        (optax.chain(optax.add_decayed_weights(0.1), optax.scale_by_adam()), None),
        (optax.adam(1e-3), None),
        (levenberg_marquardt(), None),
        (optax.identity(), None),
    ],
    ids=["adam", "constants", "chain", "soap", "nesterov", "clipped", "decayed", "scaled", "lm", "descent"],
)
def test_the_constants_of_adam_are_found_from_its_steps(optimizer, moments):
    found = moments_of(optimizer)
    assert (found is None) == (moments is None)
    if moments is not None:
        assert tuple(found) == pytest.approx(tuple(moments), rel=1e-9)


def test_gradient_descent_is_recognised_by_its_steps():
    assert is_gradient_descent(optax.identity())
    for other in (optax.clip(1.0), optax.scale(2.0), optax.scale_by_sign(), optax.scale_by_adam()):
        assert not is_gradient_descent(other)


@pytest.mark.usefixtures("x64")
def test_the_preconditioner_has_the_constants_of_the_optimizer():
    """For a constant gradient g, v̂ = g², so P = |g| + ε."""
    for optimizer in (optax.scale_by_adam(0.8, 0.99, 0.5), optax.chain(optax.scale_by_adam(0.8, 0.99, 0.5))):
        g, state = {"w": jnp.array([1.0, 2.0])}, optimizer.init({"w": jnp.zeros(2)})
        assert preconditioner_of(optimizer, state) is None
        _, state = optimizer.update(g, state)
        found = preconditioner_of(optimizer, state)
        assert found is not None and found.beta == pytest.approx(0.8) and found.age == 1
        assert found.scale(g)["w"] == pytest.approx(np.asarray(g["w"] / jnp.sqrt(g["w"] + 0.5)))
