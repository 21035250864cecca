"""Every Python block of the documentation runs, and every error it shows is the one that is raised."""

import re
from pathlib import Path
from typing import NamedTuple

import matplotlib
import pytest

from pinnkit.cli.app import main
from pinnkit.runs.summary import Seconds, SpectrumSummary, Summary

from .test_floors import ORDER

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "pages"
FENCE = re.compile(r"(<!-- not run[^\n]*-->\n)?```(python|text)\n(.*?)\n```", re.S)
ERROR = re.compile(r"\w*Error: ")
PLACE = re.compile(r" \(\w+\.\w+, line \d+\)")


class Block(NamedTuple):
    """Code of a page and the error it is said to raise."""

    line: int
    code: str
    error: str | None


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order; a `text` block after one that begins with an error's name is that error."""
    text, found = page.read_text(), []
    for match in FENCE.finditer(text):
        skipped, language, body = match.groups()
        if language == "python" and not skipped:
            found.append(Block(text.count("\n", 0, match.start()) + 1, body, None))
        elif language == "text" and found and ERROR.match(body):
            found[-1] = found[-1]._replace(error=" ".join(body.split()))
    return found


PAGES_OF_CODE = [page for page in sorted(PAGES.rglob("*.md")) if blocks(page)]
QUICK = ("quickstart",)


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, id=p.stem, marks=() if p.stem in QUICK else pytest.mark.slow) for p in PAGES_OF_CODE],
)
def test_blocks_of_a_page_run(page, monkeypatch, tmp_path):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": page.stem}
    for block in blocks(page):
        code = compile("\n" * block.line + block.code, str(page), "exec")
        if block.error is None:
            exec(code, names)  # noqa: S102  the page is the test
            continue
        with pytest.raises(Exception) as raised:
            exec(code, names)  # noqa: S102
        found = f"{raised.type.__name__}: {' '.join(str(raised.value).split())}"
        assert PLACE.sub("", found) == PLACE.sub("", block.error), f"line {block.line}"
        assert bool(PLACE.search(found)) == bool(PLACE.search(block.error)), f"line {block.line}"


def test_every_field_of_the_summary_is_explained():
    text = (PAGES / "report.md").read_text()
    names = {name for struct in (Summary, Seconds, SpectrumSummary) for name in struct.__struct_fields__}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_commands_and_options_of_the_command_line_page_exist(capsys):
    text = (PAGES / "cli.md").read_text()
    commands = set(re.findall(r"`pinnkit (\w+)", text))
    options = set(re.findall(r"`(--[\w-]+)", text)) - {"--help"}
    helps = []
    for words in ([], ["problems"], ["solve"], ["ntk"], ["report"], ["compare"], ["watch"]):
        assert main([*words, "--help"]) == 0
        helps.append(capsys.readouterr().out)
    listed, of_commands = helps[0], "".join(helps[1:])
    assert {command for command in commands if command not in listed} == set()
    assert {option for option in options if option not in of_commands} == set()


def test_rooms_of_the_architecture_page_are_those_in_force():
    assert re.findall(r"^\| `(\w+)` \|", (PAGES / "architecture.md").read_text(), re.M) == ORDER


def test_the_questions_of_newcomers_are_answered_by_paths_that_exist():
    text = (PAGES / "contributing.md").read_text()
    answers = re.findall(r"^\| [^|]*\? \| `([^`]+)` \|$", text, re.M)
    assert len(answers) == 10
    named = {path for path in re.findall(r"`((?:pinnkit|tests|docs|problems)(?:/[^`]*)?)`", text)}
    assert {path for path in named | set(answers) if not (ROOT / path).exists()} == set()


def test_the_picture_of_the_rooms_has_every_room_and_arrows_downwards_only(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import rooms

    imports = rooms.imported_rooms()
    assert set(imports) <= set(ORDER) and len(imports) >= len(ORDER) - 1  # problems have no imports to draw
    level = {room: number for number, row in enumerate(rooms.levels(imports)) for room in row}
    assert all(level[other] < level[room] for room, others in imports.items() for other in others)
    texts = set(re.findall(r"<text [^>]*>([^<]*)</text>", rooms.picture()))
    assert texts == set(imports)
