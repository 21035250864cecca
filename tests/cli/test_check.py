"""`pinnkit check` on the command line: output, picture and status."""

import json

from pinnkit.cli.app import main

SOUND = """
from pinnkit import Condition, Disk, Problem, laplacian
disk = Disk(radius=1.0)
membrane = Problem(
    name="membrane",
    domain=disk,
    conditions={
        "pde": Condition(lambda u: laplacian(u) + 4.0, on=disk.interior),
        "rim": Condition(lambda u: u, on=disk.boundary()),
    },
    reference=lambda x, y: 1 - x**2 - y**2,
)
"""


def test_a_sound_problem_has_status_0_and_a_picture(here, capsys):
    (here / "membrane.py").write_text(SOUND)
    assert main(["check", "membrane.py"]) == 0
    out = capsys.readouterr().out
    assert "Nothing looks wrong." in out and "the picture: membrane-check.png" in out
    assert max(map(len, out.splitlines())) <= 80
    assert (here / "membrane-check.png").stat().st_size > 1000


def test_findings_have_status_1(here, capsys):
    assert main(["check", "mine.py", "--json"]) == 1  # no condition on the ends
    found = json.loads(capsys.readouterr().out)
    assert [finding["title"] for finding in found["findings"]][0] == "An equation without data for 'u'"
    assert not list(here.glob("*.png"))


def test_what_cannot_be_read_has_status_2(here, capsys):
    assert main(["check", "poison_1d"]) == 2
    assert "there is no problem 'poison_1d'. Did you mean 'poisson_1d'?" in capsys.readouterr().err
    (here / "membrane.py").write_text(SOUND)
    assert main(["check", "membrane.py", "-o", "points.xyz"]) == 2
    assert "has no known format" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path, capsys):
    target = tmp_path / "missing" / "points.png"
    assert main(["check", "poisson_1d", "-o", str(target)]) == 2
    error = capsys.readouterr().err.strip()
    assert error == f"pinnkit: error: '{target}': No such file or directory"
