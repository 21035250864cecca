"""Problems by name, module and file; what is wrong with them in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pinnkit import ProblemError
from pinnkit.equations.entries import entries, problem_descriptions
from pinnkit.equations.registry import check_problem, find_problem

PROBLEM = """
from pinnkit import Condition, Interval, Problem
domain = Interval(x=(0.0, 1.0))
{name} = Problem(
    name="{name}",
    domain=domain,
    conditions={{"pde": Condition(lambda u: u.xx, on=domain.interior)}},
)
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def installed(tmp_path, monkeypatch, write):
    """A package that offers problems."""
    write(PROBLEM.format(name="cavity"), "offered_problems.py")
    (tmp_path / "offered-1.0.dist-info").mkdir()
    entries = "[pinnkit.problems]\ncavity = offered_problems:cavity\nbroken = no_such_module:x\n"
    write(entries, "offered-1.0.dist-info/entry_points.txt")
    write("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n", "offered-1.0.dist-info/METADATA")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("offered_problems", None)


def message(spec):
    with pytest.raises(ProblemError) as error:
        find_problem(str(spec))
    text = str(error.value)
    assert len(text.splitlines()) == 1
    return text


def test_a_problem_is_found_by_name(installed):
    assert {"broken", "cavity"} <= set(entries())
    assert find_problem("cavity").name == "cavity"


def test_an_unknown_name_gets_a_suggestion_and_the_command_that_lists_all(installed):
    text = message("cavty")
    assert "there is no problem 'cavty'. Did you mean 'cavity'?" in text
    assert f"`pinnkit problems` lists all {len(entries())}" in text
    assert "Did you mean" not in message("zzzzzz")


def test_problems_are_described_without_being_imported(installed, write):
    write('"""A lid-driven cavity.\n\nMore."""\nraise SystemExit\n', "offered_problems.py")
    described = problem_descriptions()
    assert described["cavity"] == "A lid-driven cavity."
    assert described["broken"] == "cannot be imported: no module 'no_such_module'"
    assert described["burgers"].startswith("Viscous Burgers equation, ")
    write("x = (", "offered_problems.py")
    assert problem_descriptions()["cavity"] == "cannot be read: SyntaxError"


@pytest.mark.parametrize("spec", ["cavty", "nope.py", "nope.py:x"])
def test_a_problem_that_does_not_exist_is_refused_before_anything_is_imported(spec):
    with pytest.raises(ProblemError) as error:
        check_problem(spec)
    assert str(error.value) == message(spec)


def test_an_entry_that_cannot_be_loaded_is_refused(installed):
    assert "ModuleNotFoundError: No module named 'no_such_module'" in message("broken")


def test_a_problem_is_found_by_module():
    assert find_problem("problems.elliptic.poisson_1d:poisson_1d").name == "poisson_1d"


def test_modules_in_the_current_folder_are_found(write, monkeypatch):
    monkeypatch.chdir(write(PROBLEM.format(name="here"), "module_of_this_folder.py").parent)
    assert find_problem("module_of_this_folder:here").name == "here"


def test_a_module_without_that_problem_says_what_it_has():
    assert "has no problem 'nope'; it defines poisson_1d" in message("problems.elliptic.poisson_1d:nope")
    assert "ModuleNotFoundError" in message("no.such.module:x")


def test_a_problem_is_found_by_file(write):
    path = write(PROBLEM.format(name="mine"))
    assert find_problem(str(path)).name == "mine"
    assert find_problem(f"{path}:mine").name == "mine"


def test_a_file_imports_its_neighbours_and_leaves_the_path_alone(write):
    write(PROBLEM.format(name="other"), "neighbour_of_mine.py")
    path, before = write("from neighbour_of_mine import other\nsame = other\n"), list(sys.path)
    assert find_problem(str(path)).name == "other"
    assert sys.path == before
    del sys.modules["neighbour_of_mine"]


def test_a_changed_file_is_read_again(write):
    assert find_problem(str(write(PROBLEM.format(name="first")))).name == "first"
    assert find_problem(str(write(PROBLEM.format(name="second_one")))).name == "second_one"


def test_a_missing_file_is_refused(tmp_path):
    assert "there is no file" in message(tmp_path / "nope.py")
    assert "there is no file" in message(f"{tmp_path / 'nope.py'}:x")


def test_a_file_without_a_problem_is_refused(write):
    assert "defines no problem" in message(write("x = 1\n"))


def test_a_file_with_several_problems_asks_which(write):
    path = write(PROBLEM.format(name="one") + PROBLEM.format(name="two"))
    assert f"{path}:one, {path}:two" in message(path)
    assert "has no problem 'three'; it defines one, two" in message(f"{path}:three")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n\ny = 1 / 0\n", "line 3 cannot be read: ZeroDivisionError: division by zero"),
        ("x = 1\ny = (\n", "line 2 cannot be read: SyntaxError: '(' was never closed"),
        ("import no_such_package\n", "line 1 cannot be read: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "line 1 cannot be read: SystemExit: 3"),
        ("raise ValueError\n", "ValueError: no message"),
        (PROBLEM.format(name="mine").replace("u.xx", "u.yy"), "line 4 cannot be read: condition 'pde'"),
        ("def f():\n    raise ValueError('first\\nsecond')\n\nf()\n", "line 2 cannot be read: ValueError: first"),
    ],
)
def test_a_file_that_raises_says_where(write, text, expected):
    assert expected in message(write(text))


# Names that the working directory has as well.

TRAP = "open({mark!r}, 'a').write('run'); raise SystemExit('it was run')\n"


@pytest.fixture
def trapped(tmp_path, monkeypatch):
    """A working directory whose modules have the names of installed ones, and tell if they are run."""
    mark = tmp_path / "mark"

    def make(kind):
        here = tmp_path / "here"
        trap = TRAP.format(mark=str(mark))
        if kind == "module":
            here.mkdir()
            (here / "problems.py").write_text(trap)
        elif kind == "package":
            (here / "problems" / "elliptic").mkdir(parents=True)
            (here / "problems" / "__init__.py").write_text(trap)
            (here / "problems" / "elliptic" / "poisson_1d.py").write_text(trap)
        else:
            (here / "problems" / "elliptic").mkdir(parents=True)
            (here / "problems" / "elliptic" / "poisson_1d.py").write_text(trap)
        (here / "evil-1.0.dist-info").mkdir()
        (here / "evil-1.0.dist-info" / "entry_points.txt").write_text("[pinnkit.problems]\nevil = problems:x\n")
        (here / "evil-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        monkeypatch.chdir(here)
        return here, mark

    return make


@pytest.fixture
def forgotten():
    """Whatever is called `problems` is loaded anew, and afterwards as it was."""
    loaded = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "problems"}
    for name in loaded:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "problems"]:
        del sys.modules[name]
    sys.modules.update(loaded)


@pytest.mark.parametrize("kind", ["module", "package", "folder"])
@pytest.mark.parametrize("on_path", [None, "", "."])
def test_names_are_of_installed_packages_whatever_the_working_directory_has(
    trapped, forgotten, monkeypatch, kind, on_path
):
    """On the path too, where `python -m` and `python -c` put the working directory."""
    _, mark = trapped(kind)
    if on_path is not None:
        monkeypatch.syspath_prepend(on_path)
        sys.path[0] = on_path
    before = list(sys.path)
    assert find_problem("poisson_1d").name == "poisson_1d" and "evil" not in entries()
    assert [find_problem(name).name for name in ("kdv", "poisson_1d")] == ["kdv", "poisson_1d"]
    assert not mark.exists() and sys.path == before


@pytest.mark.slow
def test_the_command_line_is_not_led_astray(trapped):
    _, mark = trapped("package")
    code = "import sys; from pinnkit.cli.app import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    run = lambda *words: subprocess.run(
        [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True
    )
    listed = run("problems")
    assert listed.returncode == 0 and "poisson_1d" in listed.stdout and "it was run" not in listed.stdout, listed.stderr
    small = "--strategy adam --steps 2 --points 8 --width 4 --depth 1 --quiet".split()
    assert run("solve", "poisson_1d", *small).returncode == 0
    assert not mark.exists()


def test_modules_and_names_do_not_get_into_each_others_way(tmp_path, monkeypatch, forgotten, write):
    """A package of one's own that is called as the one of the built-in problems, and those, in any order."""
    (tmp_path / "problems").mkdir()
    write("", "problems/__init__.py")
    write("from .tools import width\n" + PROBLEM.format(name="mine").replace("1.0", "width"), "problems/mine.py")
    write("width = 3.0\n", "problems/tools.py")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert find_problem("poisson_1d").name == "poisson_1d"
        assert find_problem("problems.mine:mine").domain.upper == 3.0
    assert find_problem("poisson_1d").name == "poisson_1d"


def test_a_folder_of_data_does_not_hide_a_package(tmp_path, monkeypatch):
    (tmp_path / "problems").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_problem("problems.elliptic.poisson_1d:poisson_1d").name == "poisson_1d"


def test_a_clone_of_the_repository_is_a_working_directory_like_any_other(monkeypatch, forgotten):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert find_problem("poisson_1d").name == "poisson_1d"
    assert find_problem("problems.elliptic.poisson_1d:poisson_1d").name == "poisson_1d"
