"""Commands that train nothing: reports of runs, the list of problems, the kernel before training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .._base import json_encoding
from .._base.errors import InputError
from .compilation_cache import CompilationCache
from .options import Coefficients, Count, Full, Open, PageFile, ProblemName, Whole, find, flag

RunFolder = Annotated[Path, Parameter(help="A run folder, written by `pinnkit solve`.")]


def report(
    folder: RunFolder,
    /,
    *,
    json: Annotated[bool, flag("Print the figures, the verdict and the findings as JSON instead.")] = False,
    full: Full = False,
    html: PageFile = None,
    show: Open = False,
) -> None:
    """Print the report of a run folder."""
    from ..report.report import Report, write_page
    from ..runs.run_folder import Run

    result = Report(Run.load(folder))
    if html is not None or show:
        _written(write_page(result.html(), folder / "report.html" if html is None else html), show)
    if json:
        print(result.json())
    elif html is None and not show:
        result(full=full)
        rest = "" if full else f"; `pinnkit report {folder} --full` prints all tables"
        page = folder / "report.html"
        print(f"\nthe page: {page if page.is_file() else f'`pinnkit report {folder} --open` makes it'}{rest}")


def compare(*folders: RunFolder, html: PageFile = None, show: Open = False) -> None:
    """Print the figures of two or more runs side by side."""
    from ..report.comparison import Comparison

    comparison = Comparison.load(list(folders))
    if html is None and not show:
        comparison()
    else:
        _written(comparison.save(Path("comparison.html") if html is None else html), show)


FeatureName = Annotated[
    str | None, Parameter(help="Only those with a feature, such as `robin`, `moving-boundary` or `3-D`.")
]


def problems(
    *, feature: FeatureName = None, json: Annotated[bool, flag("Print them as JSON, with their equations.")] = False
) -> None:
    """List the problems that can be solved by name."""
    from ..equations.entries import problem_descriptions

    descriptions = problem_descriptions()
    if feature is None and not json:
        return _print_listed(descriptions)
    from ..checking.features import FEATURES, feature_named, features_named
    from ..equations.registry import problem_record

    CompilationCache().enable()
    if feature is not None:
        wanted = feature_named(feature)
        descriptions = {name: text for name, text in descriptions.items() if features_named(name, [wanted])}
    if not json:
        return _print_listed(descriptions)
    records = [
        {**problem_record(name, text), "features": features_named(name, FEATURES)}
        for name, text in descriptions.items()
    ]
    print(json_encoding.encode(records, indent=2).decode())


def _print_listed(descriptions: Mapping[str, str]) -> None:
    """Problems, one each line for a pipe, wrapped on a terminal."""
    import shutil
    import sys
    import textwrap

    from .._base.numbers import printable

    descriptions = {printable(name): printable(text) for name, text in descriptions.items()}
    margin, columns = max(map(len, descriptions), default=0) + 2, shutil.get_terminal_size().columns
    for name, text in descriptions.items():
        line = f"{name:{margin}}{text}"
        width = max(columns, 2 * margin) if sys.stdout.isatty() else len(line)
        print(textwrap.fill(line, max(width, 1), subsequent_indent=margin * " "))


def ntk(
    problem: ProblemName,
    /,
    *,
    seed: Annotated[Whole, Parameter(help="Random seed.")] = 0,
    points: Annotated[
        Count, Parameter(help="Number of interior points; conditions on the boundary get a share.")
    ] = None,
    width: Annotated[Count, Parameter(help="Width of the hidden layers.")] = None,
    depth: Annotated[Count, Parameter(help="Number of hidden layers.")] = None,
    coefficients: Coefficients = None,
    all_points: Annotated[
        bool, flag("Use all points, whatever their number, in place of up to 384 residuals.")
    ] = False,
    modes: Annotated[
        Count, Parameter(help="With `--all-points`: eigenvalues to compute if not all; 20 by default.")
    ] = None,
    memory: Annotated[float | None, Parameter(help="With `--all-points`: gigabytes to use, 2 by default.")] = None,
) -> None:
    """Print the spectrum of the training kernel before training."""
    if not all_points and (modes, memory) != (None, None):
        raise InputError("`--modes` and `--memory` go with `--all-points`")
    if memory is not None and not 0 < memory < float("inf"):
        raise InputError(f"`memory` is a finite number of gigabytes > 0, got {memory}")
    declared = find(problem, coefficients)
    CompilationCache().enable()
    if all_points:
        from ..diagnostics.problem_kernel import training_spectrum
        from ..equations.network import default_network_of
        from ..ntk.tangent_kernel import MEMORY

        network = default_network_of(declared, width, depth, seed)
        most = MEMORY if memory is None else int(memory * 1e9)
        spectrum = training_spectrum(
            declared, network, points, modes=20 if modes is None else modes, seed=seed, memory=most
        )
        print(f"{declared.name} before training: {spectrum.size} residuals, unit weights, seed {seed}\n\n{spectrum}")
        return
    from ..fitting import diagnose
    from ..report.console import print_diagnostics

    record = diagnose(declared, seed=seed, points=points, width=width, depth=depth)
    print(f"{declared.name} before training: {record.modes} residuals, unit weights, seed {seed}\n")
    print_diagnostics(record)


def _written(path: Path, show: bool) -> None:
    """Print where a page is, and open it if requested."""
    import webbrowser

    print(f"written to {path}")
    if show and not webbrowser.open(path.resolve().as_uri()):
        raise InputError(f"no browser was found to open '{path}'; open it yourself")
