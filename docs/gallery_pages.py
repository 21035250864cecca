"""The pages of the gallery: one for each built-in problem, from its declaration and its record, and their index."""

import ast
import collections
import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import gallery
from gallery import Coefficient, Record

from pinnkit.checking.features import FEATURES, features_named
from pinnkit.equations import entries as offered
from pinnkit.equations.display import Statement
from pinnkit.equations.registry import find_problem

ROOT = Path(__file__).parents[1]
LONGEST = 300
"""Longer formulas are shown as text, which is cut off."""
RELATED, SAME_KIND = 4, 0.2
"""Number of related problems, and what one of the same kind counts more, of 1 for the same features."""


@dataclass(frozen=True)
class Entry:
    """A problem of the gallery."""

    name: str
    kind: str

    @functools.cached_property
    def source(self) -> str:
        return gallery.source_of(self.name).read_text(encoding="utf-8")

    @functools.cached_property
    def words(self) -> str:
        """The docstring of its module."""
        return ast.get_docstring(ast.parse(self.source)) or ""

    @property
    def title(self) -> str:
        """The first phrase of its docstring."""
        return self.words.partition("\n")[0].split(", ")[0].split(": ")[0].rstrip(".,:")

    @property
    def lines(self) -> int:
        """Lines of code: those of the file that are not empty and not of the docstring."""
        tree = ast.parse(self.source)
        first = tree.body[0].end_lineno or 0
        return sum(bool(line.strip()) for line in self.source.splitlines()[first:])

    @functools.cached_property
    def record(self) -> Record | None:
        return gallery.load(self.name)

    @functools.cached_property
    def features(self) -> tuple[str, ...]:
        return features_named(self.name)

    @property
    def outcome(self) -> str:
        """The error and the time reached, in a phrase."""
        record = self.record
        if record is None:
            return "no result yet"
        error = f"error {max(record.errors.values()):.1e}" if record.errors else record.grade
        return f"{error} in {record.seconds:.0f} s"


def entries() -> list[Entry]:
    """The built-in problems by kind, the folder of their files, and by name."""
    paths = {name: entry.module.split(".") for name, entry in offered.entries().items()}
    return [Entry(name, path[2]) for name, path in sorted(paths.items()) if path[:2] == ["pinnkit", "problems"]]


def gallery_files() -> dict[str, str | bytes]:
    """The pages and pictures by path in the site."""
    found = entries()
    pages: dict[str, str | bytes] = {f"gallery/{entry.name}.md": page(entry, found) for entry in found}
    pictures = {f"gallery/{path.name}": path.read_bytes() for path in sorted(gallery.RECORDS.glob("*.webp"))}
    return {"gallery/index.md": index(found), **pages, **pictures}


# The page of a problem.


def page(entry: Entry, others: Sequence[Entry]) -> str:
    picture = f"![Solution of {entry.name}]({entry.name}.webp){{ .solution }}"
    has_picture = (gallery.RECORDS / f"{entry.name}.webp").exists()
    features = ", ".join(f"[{feature}](index.md#{anchor(feature)})" for feature in entry.features)
    parts = [
        f"# {entry.name}",
        _prose(entry.words),
        f"Features: {features}." if features else "",
        picture if has_picture else "",
        "## Equations",
        equations(entry.name),
        "## Solve it",
        f"```bash\npinnkit solve {entry.name}\npinnkit new my_problem --like {entry.name}  # a copy to change\n```",
        results(entry),
        f'??? example "The whole problem: {entry.lines} lines, `problems/{entry.kind}/{entry.name}.py`"',
        _indented(f"```python\n{entry.source.rstrip()}\n```"),
        "## Related problems",
        "\n".join(f"- [{other.name}]({other.name}.md): {other.title}" for other in related(entry, others)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prose(words: str) -> str:
    """A docstring as Markdown, in which `<` begins no tag."""
    return words.replace("<", "&lt;")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


def equations(name: str) -> str:
    """What a problem declares: its fields, coefficients and domain, and a table of its conditions."""
    problem = find_problem(name)
    own = problem.field_domains.own
    fields = ", ".join(f"`{field}({', '.join(domain.coordinates)})`" for field, domain in own.items())
    unit = lambda name: f" {problem.units[name]}" if name in problem.units else ""
    known = [f"`{name}` = {value:.6g}{unit(name)}" for name, value in problem.constants.items()]
    known += [f"`{name}` unknown" for name in problem.unknowns]
    domains = dict.fromkeys(f"`{domain!r}`" for domain in own.values())
    said = [f"Fields: {fields}.", f"Domain: {', '.join(domains)}."] + (
        [f"Coefficients: {', '.join(known)}."] if known else []
    )
    rows = ["| condition | equation | where |", "|---|---|---|"]
    for condition, statements in problem.statements.items():
        for i, row in enumerate(statements):
            where = f"${row.where_latex}$".replace("|", r"\vert ")
            rows.append(f"| {condition if i == 0 else ''} | {_formula(row)} | {where if i == 0 else ''} |")
        if (size := problem.equation(condition).size) > len(statements):
            rows.append(f"| | {size - len(statements)} more | |")
    return "\n\n".join([" ".join(said), "\n".join(rows)])


def _formula(row: Statement) -> str:
    if len(row.latex) > LONGEST:
        return f"`{row.text} = 0`".replace("|", r"\|")
    return f"${row.latex} = 0$".replace("|", r"\vert ")


def results(entry: Entry) -> str:
    """What was reached, or how to find out."""
    record, lines = entry.record, []
    if record is None:
        lines.append(f"No result yet: `uv run python docs/gallery.py {entry.name}` solves it and draws its picture.")
    else:
        source = "" if record.fingerprint == gallery.fingerprint(entry.name) else " The problem has been changed since."
        lines.append(
            f"{record.verdict} The budget was {record.budget:g} s, the seed {record.seed}, the strategy "
            f"`{record.strategy}`, on {record.machine}.{source}"
        )
        if record.errors:
            rows = [f"| {field} | {error:.2e} |" for field, error in record.errors.items()]
            lines.append("\n".join(["| field | relative L2 error |", "|---|---|", *rows]))
        if record.coefficients:
            rows = [_coefficient(name, own) for name, own in record.coefficients.items()]
            lines.append("\n".join(["| coefficient | found | 95 % interval | true |", "|---|---|---|---|", *rows]))
    lines += [f"Published errors of neural solvers: {text}." for text in published(entry.name)]
    return "\n\n".join(lines)


def _coefficient(name: str, found: Coefficient) -> str:
    between = found.interval
    interval = (
        "–" if between is None else between if isinstance(between, str) else f"{between[0]:.6g} to {between[1]:.6g}"
    )
    return f"| {name} | {found.value:.6g} | {interval} | {'–' if found.true is None else f'{found.true:.6g}'} |"


def published(name: str) -> list[str]:
    """Errors of other solvers, with the coefficients to which they belong, as the table of accuracies has them."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    from tests.benchmarks.accuracy import ENTRIES

    own = [entry for entry in ENTRIES if entry.problem == name and entry.published != "–"]
    for_these = lambda entry: f" for {entry.label.partition(':')[2].replace(',', ', ')}" if entry.coefficients else ""
    return [f"{entry.published}{for_these(entry)}" for entry in own]


def related(entry: Entry, others: Sequence[Entry]) -> list[Entry]:
    """The problems that share most features, of which rare ones count most, and that are of the same kind."""
    frequency = collections.Counter(feature for other in others for feature in other.features)
    weight = lambda features: sum(1 / frequency[feature] for feature in features)

    def closeness(other: Entry) -> float:
        own, its = {*entry.features}, {*other.features}
        return weight(own & its) / (weight(own | its) or 1.0) + SAME_KIND * (other.kind == entry.kind)

    return sorted((other for other in others if other.name != entry.name), key=closeness, reverse=True)[:RELATED]


# The index.


def index(found: Sequence[Entry]) -> str:
    kinds = sorted({entry.kind for entry in found})
    listed = ", ".join(f"[{kind}](#{kind})" for kind in kinds)
    parts = [
        "# Gallery",
        f"{len(found)} built-in problems. Find one like yours by its kind ({listed}) or [by a feature](#by-feature), "
        "copy it with `pinnkit new my_problem --like NAME`, and change it. Each is one file of one screen.",
        "Below each picture are the relative L2 error, the largest one of all fields, and the time of the whole fit, "
        "compilation included. The page of a problem says on what machine and with what budget.",
        *(part for kind in kinds for part in _kind(kind, [entry for entry in found if entry.kind == kind])),
        "## By feature",
        "Features follow from the declaration of a problem. `pinnkit problems --feature robin` lists them, too.",
        _by_feature(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _kind(kind: str, found: Sequence[Entry]) -> list[str]:
    text = (ROOT / "problems" / kind / "__init__.py").read_text(encoding="utf-8")
    words = (ast.get_docstring(ast.parse(text)) or kind).partition("\n")[0].rstrip(".")
    title, _, rest = words.partition(": ")
    cards = "\n".join(map(card, found))
    return [
        f"## {title} {{ #{kind} }}",
        rest and f"{rest[0].upper()}{rest[1:]}.",
        f'<div class="gallery">\n{cards}\n</div>',
    ]


def card(entry: Entry) -> str:
    """A thumbnail with the name and what was reached, a link to the page."""
    small = f"{entry.name}-small.webp"
    picture = (
        f'<img src="{small}" alt="" loading="lazy">' if (gallery.RECORDS / small).exists() else "<i>no picture yet</i>"
    )
    name, title, outcome = map(escape, (entry.name, entry.title, entry.outcome))
    grade = escape(entry.record.grade.replace(" ", "-")) if entry.record else "open"
    return (
        f'<a href="{name}.html"><span class="picture">{picture}</span><b>{name.replace("_", "_<wbr>")}</b>'
        f'<span>{title}</span><span class="outcome {grade}">{outcome}</span></a>'
    )


def _by_feature(found: Sequence[Entry]) -> str:
    rows = ["| feature | meaning | problems |", "|---|---|---|"]
    for feature in FEATURES:
        own = ", ".join(f"[{entry.name}]({entry.name}.md)" for entry in found if feature.name in entry.features)
        rows.append(f'| <span id="{anchor(feature.name)}">{feature.name}</span> | {feature.meaning} | {own or "–"} |')
    return "\n".join(rows)


def anchor(feature: str) -> str:
    """The place of a feature on the index; kinds have places of the same names."""
    return f"feature-{feature.lower().replace(' ', '-')}"
