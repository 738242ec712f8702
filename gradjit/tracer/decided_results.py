"""Results of which the running program decides what they are: one of several strings, None or a value, a text with
numbers in it.

What the compiled function computes are numbers: that of the option, whether the value is there, the fields of the text.
They are the children of a node of the result; when the function has run, the node is put together to what Python would
have returned, and in a trace around this one to what stands for it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import TraceError
from ..ir.ops.effects import formatted
from ..records import dataclass
from . import trees
from .array import PYTHON, TracedArray, root
from .control.states import number_of, surely
from .locations import fail
from .perhaps import EitherText, OneOf, Perhaps, Undecided, Unset
from .texts import Field, Text


@dataclass(frozen=True)
class Plan:
    """How a node is put together. Nodes of equal plans are alike."""

    kind: str
    """"option", "value", "either" or "text"."""
    given: tuple[Any, ...]
    """The options with their numbers; nothing; the pieces of the text: of a field its conversion and format."""
    why: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and (self.kind, self.given) == (other.kind, other.given)

    def __hash__(self) -> int:
        return hash((self.kind, self.given))


class Decided:
    """The node: the numbers that decide, the value that may be there, and the plan."""

    def __init__(self, children: Sequence[Any], plan: Plan):
        self.children, self.plan = tuple(children), plan


def held(x: Any) -> Any:
    """What a leaf of a result is a node of; other leaves are what they are."""
    if isinstance(x, OneOf):
        return Decided([Deciding(x.number, x.why)], Plan("option", numbered(x), x.why))
    if isinstance(x, Perhaps) and not isinstance(x, Unset):
        if not isinstance(x.is_there, TracedArray) or x.is_there.known is not None:
            return in_result(surely(x))
        return Decided([Deciding(x.is_there, x.why), in_result(x.value)], Plan("value", (), x.why))
    if isinstance(x, EitherText):
        return Decided([Deciding(x.is_first, x.why), *map(in_result, (x.first, x.second))], Plan("either", (), x.why))
    if isinstance(x, Text):
        numbers: list[TracedArray] = []
        pieces: list[Any] = []
        for p in x.pieces:
            if isinstance(p, Field):
                numbers.append(p.value)
                pieces.append((p.conversion, p.spec))
            elif isinstance(p, OneOf):
                numbers.append(p.number)
                pieces.append(numbered(p))
            elif isinstance(p, Undecided):
                return x
            else:
                pieces.append(p)
        why = "the function returns a text, and a gradient is of a number"
        return Decided([Deciding(n, why) for n in numbers], Plan("text", tuple(pieces)))
    return x


def numbered(x: OneOf) -> tuple[tuple[int, Any], ...]:
    return tuple((number_of(option), option) for option in x.options)


def in_result(out: Any) -> Any:
    """A result with nodes for what is decided when the function runs."""
    leaves, tree = trees.flatten(out)
    if not any(isinstance(x, (Undecided, Text)) for x in leaves):
        return out
    return trees.unflatten(tree, list(map(held, leaves)))


class Deciding:
    """A number that decides: no result of its own, so that it has no tangent; `why` is for who needs a number."""

    def __init__(self, number: TracedArray, why: str):
        self.number, self.why = number, why


def put_together(plan: Plan, children: Sequence[Any]) -> Any:
    """What the function returns. A derivative has None in the places of texts."""
    if any(x is None for x in children[:1]):
        return children[-1] if plan.kind == "value" else None
    of = STAND_INS if any(isinstance(x, TracedArray) for x in children[:1]) else MADE
    return of[plan.kind](plan, children)


def single(x: TracedArray) -> TracedArray:
    if x.ndim:
        fail(TraceError, "gj.vmap of a function that returns a text, or what may be None, as traced values decide; "
                         "return numbers")
    return root(x.content, x.home, PYTHON)


def pieces(plan: Plan, children: Sequence[Any], option: Callable[[Any, Any], Any],
           field: Callable[[Any, str, str], Any]) -> list[Any]:
    """The pieces of a text, of the plan and the children."""
    rest = iter(children)
    return [p if isinstance(p, str) else option(next(rest), p) if p and isinstance(p[0], tuple) else
            field(next(rest), *p) for p in plan.given]


def one_of(x: TracedArray, options: tuple[tuple[int, Any], ...], why: str = "") -> OneOf:
    return OneOf(single(x), tuple(option for _, option in options), why)


def option_of(number: Any, options: tuple[tuple[int, Any], ...]) -> Any:
    return dict(options).get(int(number), "")  # (what stands for a text that is not there may have any number)


def letters(x: Any, conversion: str, spec: str) -> str:
    return formatted("{" + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}", [x])


STAND_INS: dict[str, Callable[[Plan, Sequence[Any]], Any]] = {
    "option": lambda plan, xs: one_of(xs[0], plan.given, plan.why),
    "value": lambda plan, xs: Perhaps(single(xs[0]), xs[1], plan.why),
    "either": lambda plan, xs: EitherText(single(xs[0]), xs[1], xs[2], plan.why),
    "text": lambda plan, xs: Text(pieces(plan, xs, one_of, Field)),
}
"""In a trace."""
MADE: dict[str, Callable[[Plan, Sequence[Any]], Any]] = {
    "option": lambda plan, xs: option_of(xs[0], plan.given),
    "value": lambda plan, xs: xs[1] if xs[0] else None,
    "either": lambda plan, xs: xs[1] if xs[0] else xs[2],
    "text": lambda plan, xs: "".join(pieces(plan, xs, option_of, letters)),
}
"""When the function has run."""

trees.register(Decided, lambda x: (x.children, x.plan), put_together)
