"""`pinnkit new` writes a file that can be solved at once."""

import pytest

from pinnkit.cli.app import main
from pinnkit.equations.registry import find_problem
from tests.problems.gallery import NAMES


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "empty"


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_of_any_problem_can_be_read(name, capsys):
    assert main(["new", "my_problem", "--like", name]) == 0
    assert capsys.readouterr().out == "written to my_problem.py; change it, then `pinnkit solve my_problem.py`\n"
    copy, original = find_problem("my_problem.py"), find_problem(name)
    assert copy.name == "my_problem" and list(copy.conditions) == list(original.conditions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my-problem"], "called by a name of Python"),
        (["class"], "called by a name of Python"),
        (["mine", "--like", "heat_robbin"], "there is no problem 'heat_robbin'"),
        (["mine", "--like", "mine.py"], "no file 'mine.py'"),
        (["taken"], "'taken.py' exists"),
    ],
)
def test_what_cannot_be_written_is_refused(elsewhere, capsys, arguments, message):
    (elsewhere / "taken.py").write_text("mine\n")
    assert main(["new", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert (elsewhere / "taken.py").read_text() == "mine\n" and not (elsewhere / "mine.py").exists()
