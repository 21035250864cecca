"""What is imported: nothing slow by commands that compute nothing, and names when they are first used."""

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pinnkit
from pinnkit._base.lazy import lazy

from ..report.synthetic import make_run

FACADES = ["pinnkit", "pinnkit.ntk", "pinnkit.report", "pinnkit.geometry"]

LISTED = "import json, sys; {code}; sys.stdout.flush(); print(chr(10) + json.dumps(sorted(sys.modules)))"

COMMAND = "from pinnkit.cli.app import main; main({tokens!r})"

QUICK = [
    ["--help"],
    ["--version"],
    ["solve", "--help"],
    ["problems"],
    ["solv"],
    ["solve", "burgrs"],
    ["solve", "no_such_file.py"],
    ["solve", "burgers", "--strategy", "adm"],
    ["watch", "nowhere"],
    ["report", "run", "--json"],
]
"""Commands that compute nothing."""


def modules_after(code, folder):
    """The modules that are loaded once this code has run in a process of its own."""
    command = [sys.executable, "-c", LISTED.format(code=code)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("tokens", [*QUICK, ["report", "run"]], ids=" ".join)
def test_commands_that_compute_nothing_do_not_import_jax(tokens, tmp_path):
    make_run().save(tmp_path / "run")
    loaded = modules_after(COMMAND.format(tokens=tokens), tmp_path)
    assert not loaded & {"jax", "jaxlib", "equinox", "optax", "flax", "matplotlib", "scipy"}
    assert "pinnkit.cli.app" in loaded


def test_the_package_alone_imports_nothing_and_the_kernel_what_it_needs(tmp_path):
    assert not modules_after("import pinnkit", tmp_path) & {"jax", "numpy"}
    every = "import pinnkit.ntk as ntk; [getattr(ntk, name) for name in ntk.__all__]"
    loaded = modules_after(every, tmp_path)
    assert "jax" in loaded
    assert not loaded & {"flax", "matplotlib", "orbax", "scipy.optimize", "scipy.sparse"}


@pytest.mark.parametrize("name", FACADES)
def test_names_are_those_that_type_checkers_see(name):
    """Each facade has its names twice: for `lazy`, and as imports for type checkers."""
    facade = import_module(name)
    imports = {}
    for node in ast.walk(ast.parse(Path(facade.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.If):
            for line in node.body:
                imports |= {alias.asname: (line.module or "", alias.name) for alias in line.names}
    assert set(facade.__all__) == set(imports) <= set(dir(facade))
    for public, (module, own) in imports.items():
        expected = import_module(f"{name}.{module}" if module else f"{name}.{own}")
        assert getattr(facade, public) is (getattr(expected, own) if module else expected)


@pytest.mark.parametrize("name", FACADES)
def test_no_module_is_called_as_a_public_name(name):
    """Importing it would put the module in place of the name."""
    facade = import_module(name)
    files = {path.stem for path in Path(facade.__file__).parent.iterdir()}
    packages = {"ntk", "problems", "report"} if name == "pinnkit" else set()
    assert not files & set(facade.__all__) - packages


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'pinnkit' has no attribute 'fitt'"):
        _ = pinnkit.fitt
    get, names = lazy("pinnkit", {"runs.summary": "Summary"})
    assert get("Summary") is pinnkit.Summary and "Summary" in names()
