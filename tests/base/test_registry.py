"""Names of samplers, weightings and strategies: built-in ones and those of installed packages."""

import subprocess
import sys
from pathlib import Path

import pytest

from pinnkit import SAMPLERS, STRATEGIES, WEIGHTINGS, InputError, InputTypeError, Uniform, fit

from ..problems_for_tests import poisson

PACKAGE = Path(__file__).parents[2] / "pinnkit"
GROUPS = ("samplers", "weightings", "strategies")
MODULE = """
import pinnkit

class Often(pinnkit.Uniform):
    redraw: int | None = 2

class Needy:
    def __init__(self, points): ...

def number():
    return 3

def careful():
    return pinnkit.Strategy("careful", pinnkit.STRATEGIES.create("adam").phases)
"""
WITHOUT_JAX = f"""
import sys, types
package = types.ModuleType("pinnkit")
package.__path__ = [{str(PACKAGE)!r}]
sys.modules["pinnkit"] = package
from pinnkit.samplers.named import SAMPLERS
from pinnkit.weighting.named import WEIGHTINGS
from pinnkit.training.named import STRATEGIES
print(*SAMPLERS, *WEIGHTINGS, *STRATEGIES)
assert "jax" not in sys.modules
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package `mine` with a module of the same name and the given entry points."""

    def install(module=MODULE, **entries):
        (tmp_path / "mine.py").write_text(module)
        info = tmp_path / "mine-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        groups = [f"[pinnkit.{group}]\n{lines}\n" for group, lines in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(groups))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "mine", raising=False)

    return install


@pytest.mark.parametrize("registry", [SAMPLERS, WEIGHTINGS, STRATEGIES], ids=lambda registry: registry.kind)
def test_every_built_in_name_makes_an_object_of_its_kind(registry):
    made = {name: registry.create(name) for name in registry}
    assert len(made) == len(registry) >= 4
    for strategy in made.values():
        assert registry.of(strategy) is strategy


def test_names_are_listed_without_importing_jax():
    listed = subprocess.run([sys.executable, "-c", WITHOUT_JAX], capture_output=True, text=True, check=True).stdout
    assert listed.split() == [*SAMPLERS, *WEIGHTINGS, *STRATEGIES]


def test_installed_packages_add_names(install):
    install(samplers="often = mine:Often\nuniform = mine:Often", strategies="careful = mine:careful")
    assert list(SAMPLERS)[-1] == "often" and "often" in SAMPLERS and len(SAMPLERS) == 5
    assert SAMPLERS.create("often").redraw == 2
    assert type(SAMPLERS.create("uniform")) is Uniform  # a built-in name keeps its meaning
    solution = fit(poisson(), strategy="careful", sampler="often", steps=2, points=8, width=4, depth=1)
    assert solution.run.config["sampler"] == "often" and [phase.name for phase in solution.history.phases] == ["adam"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("absent:Often", r"\(absent:Often\) cannot be used: ModuleNotFoundError: No module"),
        ("mine:Absent", r"\(mine:Absent\) cannot be used: AttributeError: .*'Absent'"),
        ("mine:Needy", r"\(mine:Needy\) cannot be used: TypeError: .*'points'"),
        ("mine:number", r"\(mine:number\) makes an object of type int, not an `AbstractSampler`"),
    ],
)
def test_a_broken_entry_point_is_one_line_and_breaks_no_other_name(install, entry, message):
    install(samplers=f"broken = {entry}")
    with pytest.raises(InputError, match=f"^sampler 'broken' of package 'mine' {message}") as raised:
        SAMPLERS.create("broken")
    assert "\n" not in str(raised.value)
    assert "broken" in SAMPLERS and SAMPLERS.create("uniform").redraw == 10


def test_a_module_that_fails_on_import_is_one_line(install):
    install("raise SystemExit('no licence')", samplers="broken = mine:Often")
    with pytest.raises(InputError, match="sampler 'broken' .* cannot be used: SystemExit: no licence"):
        SAMPLERS["broken"]


def test_packages_in_the_working_directory_are_not_installed(install, tmp_path, monkeypatch):
    install(samplers="often = mine:Often")
    monkeypatch.chdir(tmp_path)
    assert "often" not in SAMPLERS


def test_unknown_names_and_other_types_raise_an_error():
    with pytest.raises(InputError, match="unknown sampler 'sobol'.* Choose one of quasi-random, uniform, residual-"):
        SAMPLERS.create("sobol")
    with pytest.raises(KeyError):
        SAMPLERS["sobol"]
    with pytest.raises(InputTypeError, match=r"a weighting is a name \(trace, .*\) or an `AbstractWeighting`; got int"):
        WEIGHTINGS.of(3)
