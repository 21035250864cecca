"""`pinnkit new` writes a file that can be solved at once."""

from pathlib import Path

import pytest

from pinnkit.cli.app import main
from pinnkit.equations.registry import find_problem
from tests.problems.gallery import NAMES, module_of


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "empty"


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_of_any_problem_can_be_read(name, capsys):
    assert main(["new", "my_problem", "--like", name]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("written to my_problem.py")
    assert printed.endswith("; change it, then `pinnkit solve my_problem.py`\n")
    copy, original = find_problem("my_problem.py"), find_problem(name)
    assert copy.name == "my_problem" and list(copy.conditions) == list(original.conditions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my-problem"], "called by a name of Python"),
        (["class"], "called by a name of Python"),
        (["mine", "--like", "heat_robbin"], "there is no problem 'heat_robbin'. Did you mean 'heat_robin'?"),
        (["mine", "--like", "mine.py"], "no file 'mine.py'"),
        (["taken"], "'taken.py' exists"),
    ],
)
def test_what_cannot_be_written_is_refused(elsewhere, capsys, arguments, message):
    (elsewhere / "taken.py").write_text("mine\n")
    assert main(["new", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert (elsewhere / "taken.py").read_text() == "mine\n" and not (elsewhere / "mine.py").exists()


def test_data_files_come_with_a_copy_and_are_not_overwritten(elsewhere, capsys):
    assert main(["new", "mine", "--like", "seir"]) == 0
    assert capsys.readouterr().out.startswith("written to mine.py, with seir.csv beside it;")
    data, original = elsewhere / "seir.csv", Path(module_of("seir").__file__).with_name("seir.csv")
    assert data.read_bytes() == original.read_bytes()
    data.write_text("mine\n")
    assert main(["new", "another", "--like", "seir"]) == 2
    assert "'seir.csv' exists" in capsys.readouterr().err
    assert data.read_text() == "mine\n" and not (elsewhere / "another.py").exists()
