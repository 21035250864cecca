"""Derivatives of discontinuous expressions in an equation.

The derivative of an expression with a jump has a part at the jump that no collocation point sees: away from it,
(k u')' = 0 holds for any two straight lines, whatever k is on either side, and the continuity of the flux k u' is lost.
The trace shows at which operations an expression can jump; a search decides whether it does.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..._base.origin import is_of_library
from ...geometry.domain import AbstractDomain
from ...geometry.region import AbstractRegion
from ..mistakes import Place
from ..symbols import partial_p
from ..trace import Equation, Node
from .search import Found, Search, Suspect
from .switches import find_switches, is_stopped


class Flaw(NamedTuple):
    """A mistake, certain or possible, in an expression under a derivative; `text` is one line."""

    text: str
    is_certain: bool


def find_flaws(
    equation: Equation, region: AbstractRegion, domain: AbstractDomain, coefficients: Mapping[str, float]
) -> Iterator[Flaw]:
    """The flaws of an equation on a region: jumps under derivatives, and derivatives blocked by `stop_gradient`.

    A jump along a coordinate is certain; one that depends on a field depends on the solution.
    """
    for node in _differentiated(equation):
        expression, coordinate, place = node.inputs[0], node.eqn.params["coordinate"], _place_of(node)
        if is_stopped(equation, expression):
            yield _stopped(coordinate, place)
        switches = find_switches(equation, expression, coordinate)
        if switches.followed:
            suspect = Suspect(expression, coordinate, switches.followed)
            found = Search(equation, suspect, region, domain, coefficients).found()
            if found is not None:
                yield (
                    _jumping(found, coordinate, place)
                    if found.jumps
                    else _in_doubt(found.switch.name, coordinate, place)
                )
        for hidden in switches.hidden[:1]:
            yield _in_doubt(hidden.eqn.primitive.name, coordinate, place)


def _differentiated(equation: Equation) -> Iterator[Node]:
    seen = set()
    for node in equation.nodes():
        if node.eqn.primitive is partial_p and isinstance(node.inputs[0], Node):
            key = node.inputs[0], node.eqn.params["coordinate"]
            if key not in seen:
                seen.add(key)
                yield node


def _place_of(node: Node) -> Place | None:
    traceback = node.eqn.source_info.traceback
    frames = [] if traceback is None else traceback.frames
    return next((Place(f.file_name, f.line_num) for f in frames if not is_of_library(f.file_name)), None)


def _jumping(found: Found, coordinate: str, place: Place | None) -> Flaw:
    here = ", ".join(f"{name} = {value:.6g}" for name, value in found.point.items())
    of_fields = found.switch.depends_on_fields
    where = "at a value of the fields" if of_fields else f"near {here}"
    lost = "where the solution crosses it, the continuity" if of_fields else "the continuity"
    subject, advice = _subject(coordinate), _advice(coordinate)
    return Flaw(f"{subject} jumps {where}{_in_file(place)}: {lost} of the flux would be lost; {advice}", not of_fields)


def _in_doubt(operation: str, coordinate: str, place: Place | None) -> Flaw:
    text = (
        f"{_subject(coordinate)} may jump at a `{operation}`{_in_file(place)}, which could not be followed: if it "
        f"does, the continuity of the flux is lost; then {_advice(coordinate)}"
    )
    return Flaw(text, False)


def _stopped(coordinate: str, place: Place | None) -> Flaw:
    text = (
        f"{_subject(coordinate)} has a `stop_gradient` inside{_in_file(place)}: a part of the derivative would be "
        "lost; take it out of the derivative"
    )
    return Flaw(text, True)


def _subject(coordinate: str) -> str:
    return f"an expression differentiated by '{coordinate}'"


def _advice(x: str) -> str:
    return (
        f"give each layer a field, or make the flux a field: `q - k * u.{x}` and `partial(q, '{x}')` as two equations"
    )


def _in_file(place: Place | None) -> str:
    return "" if place is None else f" ({place})"
