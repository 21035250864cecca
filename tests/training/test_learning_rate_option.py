"""`learning_rate=` replaces that of a strategy; optimizers of optax have names, and a run folder reproduces them."""

import numpy as np
import optax
import pytest

import pinnkit
from pinnkit import WEIGHTINGS, InputError, fit, optax_strategy
from pinnkit._base.words import did_you_mean
from pinnkit.learning_rates.constant import ConstantLearningRate

from ..problems_for_tests import poisson

SMALL = {"points": 8, "width": 4, "depth": 1, "steps": 30, "seed": 2}
X = np.linspace(0, 1, 9)


@pytest.mark.slow
def test_a_number_replaces_the_learning_rate_of_first_order_phases(tmp_path):
    solution = fit(poisson(), strategy="adam", learning_rate=2e-3, **SMALL)
    assert set(solution.history.learning_rate.tolist()) == {2e-3}
    assert solution.run.config["learning_rate"] == 2e-3
    other = fit(poisson(), strategy="soap", learning_rate=ConstantLearningRate(1e-3, cosine=True), **SMALL)
    assert np.all(np.diff(other.history.learning_rate) < 0)
    assert "cosine=True" in other.run.config["learning_rate"]
    other.save(tmp_path)
    assert pinnkit.Run.load(tmp_path).config["learning_rate"] == other.run.config["learning_rate"]


@pytest.mark.slow
def test_optimizers_by_name_take_the_steps_of_optax():
    ours = fit(poisson(), strategy=optax_strategy("adamw", learning_rate=3e-3, weight_decay=1e-3), **SMALL)
    theirs = fit(poisson(), strategy=optax.adamw(3e-3, weight_decay=1e-3), **SMALL)
    np.testing.assert_allclose(ours(x=X), theirs(x=X), rtol=1e-10)
    assert set(ours.history.learning_rate.tolist()) == {3e-3}


@pytest.mark.slow
def test_the_run_folder_reproduces_the_run(tmp_path):
    first = fit(poisson(), strategy=optax_strategy("adabelief", b1=0.8), learning_rate=2e-3, **SMALL)
    first.save(tmp_path)
    config = pinnkit.Run.load(tmp_path).config
    assert config["strategy"] == "optax.adabelief" and config["optimizer"] == {"name": "adabelief", "b1": 0.8}
    again = fit(
        poisson(), strategy=optax_strategy(**config["optimizer"]), learning_rate=config["learning_rate"], **SMALL
    )
    np.testing.assert_array_equal(again(x=X), first(x=X))
    named = fit(poisson(), strategy="optax.adabelief", learning_rate=2e-3, **SMALL)
    assert named.run.config["optimizer"] == {"name": "adabelief"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"strategy": "gauss-newton", "learning_rate": 1e-3},
            "no learning rate; choose a first-order",
        ),
        ({"learning_rate": 1e-3}, "'auto' has no learning rate; choose a first-order"),
        ({"strategy": optax.adam(1e-3), "learning_rate": 1e-3}, "give it to the optimizer itself"),
        ({"strategy": "adam", "learning_rate": -1.0}, "`learning_rate` is a finite number > 0, got -1.0"),
        ({"strategy": "optax.adamv"}, "optax has no optimizer 'adamv' with a learning rate. Did you mean 'adam"),
        ({"strategy": "ntk_adam"}, "Did you mean 'ntk-adam'?"),
        ({"strategy": "Adam"}, "Did you mean 'adam'"),
        ({"strategy": "ntk"}, "Did you mean 'ntk-adam' or 'ntk-soap'?"),
        ({"strategy": "adam", "weighting": "ntk"}, "Did you mean 'trace'?"),
    ],
)
def test_what_has_no_learning_rate_or_no_such_name_is_refused(arguments, message):
    with pytest.raises(InputError) as raised:
        fit(poisson(), **{**SMALL, **arguments})
    assert message in str(raised.value)


def test_settings_of_an_optimizer_are_checked():
    with pytest.raises(InputError, match="takes no argument 'beta'; it takes b1, b2"):
        optax_strategy("adam", beta=0.9)
    with pytest.raises(InputError, match="`b1` of 'optax.adam' is a number, True or False; got 'x'"):
        optax_strategy("adam", b1="x")


def test_names_in_other_letters_are_suggested():
    assert did_you_mean("Largest Eigenvalue", WEIGHTINGS) == " Did you mean 'largest-eigenvalue'?"
    assert did_you_mean("zzz", WEIGHTINGS) == "" and did_you_mean("", WEIGHTINGS) == ""
