"""Hooks of the site: formulas as MathML, without scripts; executed tutorials; the gallery; pictures."""

import base64
import contextlib
import hashlib
import re
import tempfile
from html import unescape
from pathlib import Path

import jupytext
import nbformat
from gallery_pages import gallery_files
from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rooms import picture

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "docs" / "tutorials"
CACHE = ROOT / ".cache" / "tutorials"
BLOCK, DRAWS = re.compile(r"```python\n(.*?)\n```(\s+```text\n\w*Error)?", re.S), "pinnkit.draw("
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.S)


def on_files(files: Files, config) -> Files:
    """Add the gallery, pictures of rooms and shapes, and a page and an executed notebook for each tutorial."""
    files.append(File.generated(config, "figures/rooms.svg", content=picture()))
    for name, drawing in drawings(ROOT / "docs" / "pages" / "shapes.md").items():
        files.append(File.generated(config, name, content=drawing))
    for name, content in gallery_files().items():
        files.append(File.generated(config, name, content=content))
    for script in sorted(TUTORIALS.glob("*.py")):
        notebook = executed(script)
        path = f"tutorials/{script.stem}"
        markdown, pictures = as_page(notebook, script.stem)
        contents = {
            f"{path}.md": markdown,
            f"{path}.ipynb": nbformat.writes(notebook),
            f"{path}.py": script.read_text(),
        }
        pictures = {f"tutorials/{name}": picture for name, picture in pictures.items()}
        for name, content in {**contents, **pictures}.items():
            files.append(File.generated(config, name, content=content))
    return files


def drawings(page: Path) -> dict[str, bytes]:
    """The pictures that a page saves, by file name: its first blocks are executed, up to the last that saves one."""
    blocks = [code for code, error in BLOCK.findall(page.read_text(encoding="utf-8")) if not error]
    last = max(number for number, code in enumerate(blocks) if DRAWS in code)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        names = {}
        for code in blocks[: last + 1]:
            exec(code, names)  # noqa: S102  of this repository
        return {path.name: path.read_bytes() for path in Path(folder).glob("*.png")}


def on_page_content(html: str, **_) -> str:
    """Formulas as MathML."""
    return FORMULA.sub(lambda match: as_mathml(unescape(match[2]), "block" if match[1] == "div" else "inline"), html)


def as_mathml(formula: str, display: str) -> str:
    mathml = convert(formula.strip(), display=display)
    if unknown := re.findall(r"\\[A-Za-z]+", re.sub(r"<annotation.*?</annotation>", "", mathml)):
        raise PluginError(f"no MathML for {unknown} in the formula {formula!r}")
    return mathml


def executed(script: Path) -> nbformat.NotebookNode:
    """The notebook of a script with its outputs; executed again whenever the script or the package has changed."""
    sources = [script, *sorted((ROOT / "pinnkit").rglob("*.py"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    kept = CACHE / f"{script.stem}-{digest}.ipynb"
    if not kept.exists():
        notebook = jupytext.read(script)
        client = NotebookClient(notebook, timeout=600, kernel_name="python3")
        manager = client.create_kernel_manager()
        with tempfile.TemporaryDirectory() as sockets:
            manager.transport, manager.ip = "ipc", f"{sockets}/kernel"
            try:
                client.execute(cwd=sockets)
            except CellExecutionError as error:
                raise PluginError(f"the tutorial {script.name} fails:\n{error}") from error
        CACHE.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, kept)
    return nbformat.read(kept, as_version=4)


def as_page(notebook: nbformat.NotebookNode, stem: str) -> tuple[str, dict[str, bytes]]:
    """The notebook as Markdown, and its pictures by file name."""
    parts, pictures = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            text = output.get("text") or data.get("text/plain", "")
            if "image/png" in data:
                name = f"{stem}-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![]({name})")
            elif output.get("name") != "stderr" and text.strip():
                parts.append(f"```text\n{text.rstrip()}\n```")
    download = f"This page was made by running [{stem}.py]({stem}.py); with its outputs it is also a "
    parts.insert(1, f"*{download}[notebook]({stem}.ipynb).*")
    return "\n\n".join(parts), pictures
