"""Arguments given in place of others are refused in one line that names the right place."""

import dataclasses
import inspect

import numpy as np
import optax
import pytest

import pinnkit
from pinnkit import MLP, Box, Condition, Problem, periodic
from pinnkit.cli.app import main
from pinnkit.ntk import compute_ntk
from pinnkit.request import Request
from pinnkit.samplers.space_filling import QuasiRandom
from pinnkit.training.built_in import adam
from pinnkit.weighting.trace import NTKWeighting

LINE = Box(x=(0.0, 1.0))


def problem():
    return Problem(name="p", domain=LINE, conditions={"pde": Condition(lambda u: u.xx, on=LINE.interior)})


SWAPPED = {
    "an optimizer as the model": (lambda p: pinnkit.fit(p, optax.adam(1e-3)), "an optimizer in place of a model"),
    "a chain as the model": (
        lambda p: pinnkit.fit(p, optax.chain(optax.scale_by_adam(), optax.scale(-1.0))),
        "optimizer .* `strategy=`",
    ),
    "a name as the model": (lambda p: pinnkit.fit(p, "adam"), "the name 'adam' was given .*; write `strategy=`"),
    "a strategy as the model": (lambda p: pinnkit.fit(p, adam()), "the strategy 'adam' .* `strategy=`"),
    "a weighting as the model": (lambda p: pinnkit.fit(p, NTKWeighting()), "weighting .* `weighting=`"),
    "a sampler as the model": (lambda p: pinnkit.fit(p, QuasiRandom()), "sampler .* `sampler=`"),
    "a problem as the model": (lambda p: pinnkit.fit(p, p), "second problem"),
    "model and problem swapped": (lambda p: pinnkit.fit(MLP(LINE), p), "`problem` is a `Problem`, got MLP"),
    "a name as the problem": (lambda p: pinnkit.fit("burgers"), "got str; .*`pinnkit solve burgers`"),
    "a model as the strategy": (lambda p: pinnkit.fit(p, strategy=MLP(LINE)), "a strategy is a name .*; got MLP"),
    "a rule as the weights": (
        lambda p: pinnkit.fit(p, weights=NTKWeighting()),
        "`weights` has a number for each condition, .* got NTKWeighting .*`weighting=`",
    ),
    "a number as the weights": (lambda p: pinnkit.fit(p, weights=1.0), "as in `{'pde': 10.0}`; got float"),
    "a condition as the names": (
        lambda p: pinnkit.fit(p, constraints=p.conditions["pde"]),
        "names of conditions; got Condition",
    ),
    "a callback alone": (lambda p: pinnkit.fit(p, callbacks=pinnkit.Callback()), "a list of callbacks; got Callback"),
    "a class as a callback": (lambda p: pinnkit.fit(p, callbacks=[pinnkit.Callback]), "got the class Callback"),
    "a name as choices": (lambda p: pinnkit.fit(p, choices="auto"), "`choices` is a `Choices`, got str"),
    "an optimizer to look at": (lambda p: pinnkit.diagnose(p, optax.sgd(0.1)), "optimizer"),
    "a name to look at": (lambda p: pinnkit.diagnose(p, "adam"), "the name 'adam'"),
    "the kernel of an optimizer": (lambda p: compute_ntk(optax.sgd(0.1), np.array([[0.5]])), "optimizer"),
    "a condition as a region": (lambda p: Condition(lambda u: u, on=p.conditions["pde"]), "region, got Condition"),
    "a domain as a region": (lambda p: Condition(lambda u: u, on=LINE), "region, got Box; .*`on=domain.interior`"),
    "region and residual swapped": (
        lambda p: Condition(LINE.interior, lambda u: u),
        "residual is a function, got Interior",
    ),
    "domain and conditions swapped": (
        lambda p: Problem("p", p.conditions, LINE),
        "`conditions` is a mapping .* got Box",
    ),
    "domain and coordinate swapped": (lambda p: periodic("x", LINE), "faces of a `Box`, got str"),
}


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_arguments_are_refused_in_one_line(name):
    call, message = SWAPPED[name]
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call(problem())
    assert "\n" not in str(caught.value)


def test_the_arguments_of_fit_are_the_fields_of_the_request():
    arguments = {p.name: p.default for p in inspect.signature(pinnkit.fit).parameters.values()}
    fields = {f.name: f.default for f in dataclasses.fields(Request)}
    assert list(arguments) == list(fields)
    assert {k: v for k, v in arguments.items() if k != "problem"} == {k: v for k, v in fields.items() if k != "problem"}


def test_the_identity_has_every_setting_and_nothing_else():
    request = Request(problem(), seed=3, weights={"pde": 2.0}, callbacks=[pinnkit.Callback()], checkpoints="run")
    identity = request.checked().identity()
    names = {field.name for field in dataclasses.fields(Request)}
    assert set(identity) == names - {"problem", "callbacks", "checkpoints", "resume", "progress", "devices"}
    assert identity["seed"] == 3 and identity["weights"] == {"pde": 2.0} and identity["model"] is None
    assert Request(problem(), MLP(LINE)).identity()["model"] == "MLP"


def test_the_settings_of_a_run_leave_out_what_was_left_open():
    config = Request(problem(), strategy="adam", steps=5, weighting=NTKWeighting()).config({"width": 4}, {"pde": 9})
    assert config["strategy"] == "adam" and config["steps"] == 5 and config["weighting"] == "NTKWeighting"
    assert config["constraints"] == "hard" and config["points"] == {"pde": 9} and config["width"] == 4
    assert not {"budget", "target", "sampler"} & set(config)


def test_options_of_the_command_line_come_from_the_request(capsys):
    assert main(["solve", "--help"]) == 0
    text = capsys.readouterr().out
    options = [field.name for field in dataclasses.fields(Request) if field.metadata]
    assert len(options) == 14 and all(f"--{name.replace('_', '-')} " in text for name in options)
    assert all(name in text for name in ("ntk-adam", "relobralo", "kernel-guided"))
