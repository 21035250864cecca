"""`pinnkit problems` lists problems, all of them or those with a feature."""

import json

from pinnkit.cli.app import main


def test_problems_are_listed_by_a_feature(capsys):
    assert main(["problems", "--feature", "robin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"heat_robin", "rod_inverse"} <= {line.split()[0] for line in lines}
    assert main(["problems", "--feature", "Moving-Boundary", "--json"]) == 0
    found = {record["name"]: record["features"] for record in json.loads(capsys.readouterr().out)}
    assert "stefan" in found and all("moving boundary" in features for features in found.values())


def test_an_unknown_feature_is_one_line_with_those_that_exist(capsys):
    assert main(["problems", "--feature", "robbin"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "Did you mean 'Robin'?" in line and "moving boundary" in line
