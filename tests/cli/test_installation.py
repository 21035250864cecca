"""The installed package, from a wheel and in editable mode: the built-in problems are in `pinnkit.problems`."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

UV = shutil.which("uv")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="needs uv")]

SMALL = "--strategy adam --steps 2 --points 8 --width 4 --depth 1 --quiet".split()


def run(*command, folder, **variables):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"JAX_PLATFORMS": "cpu"} | variables
    return subprocess.run([str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request, tmp_path_factory):
    """The folder of programs of an environment with pinnkit alone; what it depends on is that of this environment."""
    folder = tmp_path_factory.mktemp(request.param)
    assert run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", folder=folder).returncode == 0
    programs = folder / "venv" / "bin"
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    if request.param == "wheel":
        built = run(UV, "build", "--wheel", "--offline", "-o", folder, REPOSITORY, folder=folder)
        if built.returncode:
            pytest.skip(f"hatchling is not in the cache of uv: {built.stderr.strip().splitlines()[-1]}")
        (what,) = ([path] for path in folder.glob("*.whl"))
    else:
        what = ["--editable", REPOSITORY]
    install = (UV, "pip", "install", "--offline", "--no-deps", "--python", programs / "python", *what)
    done = run(*install, folder=folder)
    assert done.returncode == 0, done.stderr
    return programs


@pytest.fixture
def crowded(tmp_path):
    """A working directory that has a package and a module of its own with names of the repository."""
    (tmp_path / "problems.py").write_text("raise SystemExit('the wrong module')\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    return tmp_path


def test_problems_are_listed_and_solved_by_name(installed, crowded):
    listed = run(installed / "pinnkit", "problems", folder=crowded)
    assert listed.returncode == 0 and "Viscous Burgers equation" in listed.stdout, listed.stderr
    solved = run(installed / "pinnkit", "solve", "burgers", *SMALL, folder=crowded)
    assert solved.returncode == 0, solved.stderr


def test_problems_are_importable_as_part_of_the_package(installed, crowded):
    code = "from pinnkit.problems.hyperbolic.kdv import kdv; print(kdv.name)"
    assert run(installed / "python", "-c", code, folder=crowded).stdout == "kdv\n"
    code = "import problems"
    assert "the wrong module" in run(installed / "python", "-c", code, folder=crowded).stderr


def test_a_wheel_has_no_other_package_on_top(installed, tmp_path):
    """An editable installation has the repository on the path, behind everything that is installed."""
    found = run(installed / "python", "-c", "import problems; print(problems.__file__)", folder=tmp_path)
    if "wheel" in str(installed):
        assert "ModuleNotFoundError" in found.stderr
    else:
        assert found.stdout.strip() == str(REPOSITORY / "problems" / "__init__.py")
