"""Texts that hold traced values: `f"x = {x:.3f}"`, `"%.3f" % x`, `"{}".format(x)`, `str(x)`, `", ".join(...)`.

While a function is traced such a text is not known. It is a `Text`: pieces of ordinary text, and fields that are filled
in when the compiled function runs, where the text is printed, logged or raised.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import TraceError
from ..ir.ops.effects import formatted
from ..probe import peek
from ..records import dataclass
from . import structures, trees
from .array import ARRAY, PYTHON, TracedArray
from .attributes import read
from .calls import call
from .control.states import as_letters, presence, there
from .grown import expanded, is_grown
from .locations import fail, here
from .operands import captured, is_traced
from .outside import is_data_array
from .perhaps import EitherText, Fixed, OneOf, Perhaps, Undecided


@dataclass(frozen=True)
class Field:
    """A traced value in a text, as `{x!conversion:spec}`."""

    value: TracedArray
    conversion: str = ""
    spec: str = ""

    def form(self, number: int) -> str:
        return "{" + str(number) + (f"!{self.conversion}" if self.conversion else "") + (
            f":{self.spec}" if self.spec else "") + "}"


class Text(Fixed):
    """A text with fields. It stands for a str, of which it can what needs no letters."""

    stands_for = str

    def __init__(self, pieces: Iterable[Any]):
        self.made = here()
        self.pieces: list[str | Field | Undecided] = []
        for p in pieces:
            self.pieces += p.pieces if isinstance(p, Text) else [p]

    @property
    def fields(self) -> list[Field]:
        return [p for p in self.pieces if isinstance(p, Field)]

    @property
    def values(self) -> list[TracedArray]:
        return [f.value for f in self.fields]

    @property
    def form(self) -> str:
        """The format of str.format for the values."""
        for p in self.pieces:
            if isinstance(p, Undecided):
                p.refuse()
        numbers = iter(range(len(self.pieces)))
        return "".join(p.form(next(numbers)) if isinstance(p, Field) else str(p).replace("{", "{{").replace("}", "}}")
                       for p in self.pieces)

    def __add__(self, other: Any) -> Text:
        return Text([self, other]) if isinstance(other, (str, Text)) else NotImplemented

    def __radd__(self, other: Any) -> Text:
        return Text([other, self]) if isinstance(other, str) else NotImplemented

    def __repr__(self) -> str:
        return f"<text {self.form!r}>"

    def refuse(self, what: str) -> NoReturn:
        fail(TraceError, f"{what} of the text {self.form!r}, whose numbers are not known while gradjit compiles the "
                         f"function; print it (print, gj.debug_print), log it or raise it as it is, or make it "
                         f"outside, of what is returned", self.made)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse(f"the method {name}")

    def __str__(self) -> str:
        self.refuse("the letters")

    def __eq__(self, other: object) -> bool:
        return self is other or self.refuse("a comparison")

    def __hash__(self) -> int:
        return id(self) if not self.fields else self.refuse("a hash")

    def __lt__(self, other: Any) -> bool:
        self.refuse("a comparison")

    __le__ = __gt__ = __ge__ = __lt__

    def __len__(self) -> int:
        self.refuse("the length")

    def __format__(self, spec: str) -> str:
        self.refuse("the letters")

    def __float__(self) -> float:
        self.refuse("the number")

    def __int__(self) -> int:
        self.refuse("the number")

    def __iter__(self) -> Iterator[str]:
        self.refuse("the letters")

    def __contains__(self, part: object) -> bool:
        self.refuse("the letters")

    def __getitem__(self, key: Any) -> str:
        self.refuse("the letters")


Text.__name__ = EitherText.__name__ = str.__name__  # as Python calls them where it refuses an operator or a call


CONVERSIONS: dict[str, Callable[[Any], str]] = {"r": repr, "s": str, "a": ascii}
"""What stands behind the `!` of a field."""


def field(x: TracedArray, conversion: str = "", spec: str = "") -> Text:
    """A traced value with its format, which must fit its type."""
    if (known := x.known) is not None and not x.ndim:
        number = known.item() if x.kind == PYTHON else known[()]
        return Text([format(CONVERSIONS[conversion](number) if conversion else number, spec)])
    if spec and not conversion and x.kind == ARRAY and x.ndim:
        raise TypeError("unsupported format string passed to numpy.ndarray.__format__")
    if conversion in ("r", "a") and x.kind == PYTHON:
        conversion = "s"  # a float, which the compiled function has as a NumPy scalar
    made = Field(x, conversion, spec)
    sample = np.ones([n if isinstance(n, int) else 1 for n in x.extents], x.dtype)
    form = "{" + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
    form.format(sample[()] if not x.ndim else sample)
    formatted(form, [sample])
    return Text([made])


def shown(x: Any, conversion: str = "", spec: Any = "") -> Any:
    """The text of a value in a format: a str where nothing in it is traced."""
    if isinstance(x, Text):
        return x if not spec else x.refuse(f"the format {spec!r}")
    if isinstance(spec, Text):
        spec.refuse("a format made")
    if is_data_array(x):
        x = captured(x)
    if isinstance(x, TracedArray):
        return one(field(x, conversion, spec))
    if is_grown(x):
        x = expanded(x, "printing")
    if type(x) in (list, tuple, dict) and holds(x):
        return one(listed(x))
    if isinstance(x, OneOf):
        return Text([as_letters(x, functools.partial(in_format, conversion, spec))])
    if isinstance(x, EitherText) or (isinstance(x, Perhaps) and presence(x) is None and not spec):
        return Text([x])
    if isinstance(x, Perhaps):
        x = there(x, message="unsupported format string passed to NoneType.__format__")
    convert = CONVERSIONS.get(conversion)
    return call(format, call(convert, x) if convert else x, spec)


def in_format(conversion: str, spec: str, x: Any) -> str:
    return format(CONVERSIONS[conversion](x) if conversion else x, spec)


def one(t: Text) -> Any:
    """The text, as a str where it is known."""
    return t if t.fields or any(isinstance(p, Undecided) for p in t.pieces) else "".join(t.pieces)  # type: ignore[arg-type]


def holds(x: Any) -> bool:
    return any(isinstance(i, (TracedArray, Text, Undecided)) or is_data_array(i) for i in trees.flatten(x)[0])


def listed(x: Any) -> Text:
    """The repr of a container, of its parts one by one."""
    if isinstance(x, dict):
        parts = [Text([shown(k, "r"), ": ", shown(v, "r")]) for k, v in x.items()]
    else:
        parts = [Text([shown(i, "r")]) for i in x]
    inside = joined(", ", parts)
    if type(x) is tuple:
        return Text(["(", inside, ",)" if len(x) == 1 else ")"])
    return Text(["[", inside, "]"] if type(x) is list else ["{", inside, "}"])


def joined(between: str, parts: Sequence[Any]) -> Text:
    pieces: list[Any] = []
    for k, p in enumerate(parts):
        pieces += [between, p] if k and between else [p]
    return Text(pieces)


def fstring(*parts: Any) -> Any:
    """An f-string: pieces of text, and (value, conversion, format) for its fields."""
    return one(Text([p if isinstance(p, str) else shown(*p) for p in parts]))


# other ways to write formats ------------------------------------------------------------------------------------------
_PERCENT = re.compile(r"%(?:\((?P<name>[^)]*)\))?(?P<flags>[-+ #0]*)(?P<width>\d+)?(?:\.(?P<precision>\d+))?"
                      r"[hlL]?(?P<kind>[diouxXeEfFgGrsa%])")


def percent(form: str, values: Any) -> Any:
    """`form % values`."""
    given = list(values) if isinstance(values, tuple) else [values]
    pieces: list[Any] = []
    end = 0
    for m in _PERCENT.finditer(form):
        pieces.append(form[end:m.start()])
        end = m.end()
        if m["kind"] == "%":
            pieces.append("%")
            continue
        if m["name"] is None and not given:
            raise TypeError("not enough arguments for format string")
        x = values[m["name"]] if m["name"] is not None else given.pop(0)
        pieces.append(shown(*_converted(m, x)) if holds([x]) else m.group().replace(f"({m['name']})", "") % (x,))
    if given and not isinstance(values, dict):
        raise TypeError("not all arguments converted during string formatting")
    return one(Text([*pieces, form[end:]]))


def _converted(m: re.Match[str], x: Any) -> tuple[Any, str, str]:
    """Value, conversion and format for what stands behind a `%`."""
    kind, flags = m["kind"], m["flags"]
    if kind in "rsa":
        align = ("<" if "-" in flags else ">") + m["width"] if m["width"] else ""
        return x, "r" if kind == "r" else "s", align + (f".{m['precision']}" if m["precision"] else "")
    if isinstance(x, TracedArray) and kind in "diouxX":
        x = call(int, x)
        kind = {"i": "d", "u": "d"}.get(kind, kind)
    align = "<" if "-" in flags and m["width"] else ""
    sign = "+" if "+" in flags else " " if " " in flags else ""
    zero = "0" if "0" in flags and not align else ""
    precision = f".{m['precision']}" if m["precision"] and kind not in "dox" else ""
    return x, "", align + sign + ("#" if "#" in flags else "") + zero + (m["width"] or "") + precision + kind


_BRACES = re.compile(r"\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}")


def braces(form: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """`form.format(*args, **kwargs)`."""
    numbers = iter(range(len(args)))
    pieces: list[Any] = []
    end = 0
    for m in _BRACES.finditer(form):
        pieces.append(form[end:m.start()])
        end = m.end()
        if m.group() in ("{{", "}}"):
            pieces.append(m.group()[0])
            continue
        x = _named(m[1], numbers, args, kwargs)
        spec = re.sub(r"\{([^{}]*)\}", lambda n: str(_named(n[1], numbers, args, kwargs)), m[3] or "")
        pieces.append(shown(x, m[2] or "", spec))
    return one(Text([*pieces, form[end:]]))


def _named(name: str, numbers: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What a field's name stands for: `0`, `x`, `x.y[1]`, or nothing."""
    first, *rest = re.findall(r"^[^.\[]*|\.[^.\[]+|\[[^\]]*\]", name)
    x = args[int(first) if first else next(numbers)] if not first or first.isdigit() else kwargs[first]
    for part in rest:
        key: Any = part[1:-1]
        x = read(x, part[1:]) if part[0] == "." else x[int(key) if key.isdigit() else key]
    return x


def of_method(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a method of a str makes of traced values, and of what may yield them; None where nothing is traced."""
    owner = peek(f, "__self__")
    if type(owner) is not str or not isinstance(f, types.BuiltinFunctionType):
        return None
    if f.__name__ == "format" and holds([list(args), list(kwargs.values())]):
        return braces(owner, args, kwargs)
    if f.__name__ == "join" and len(args) == 1 and not isinstance(args[0], (str, Text)):
        parts = list(args[0])  # a generator is used up by that
        return one(joined(owner, parts)) if any(isinstance(p, Text) for p in parts) else f(parts)
    return None


def is_text(x: Any) -> bool:
    return isinstance(x, Text)


def is_some_text(x: Any) -> bool:
    """Whether it stands for a text, known or not."""
    return isinstance(x, (str, Text, EitherText)) or (isinstance(x, OneOf) and isinstance(x.options[0], str))


def may_be_told(xs: Iterable[Any]) -> bool:
    """Whether a text or something traced is among them."""
    return any(isinstance(x, Text) or is_traced(x) for x in xs)


def _as_node(x: Text) -> structures.Node:
    """A text as branches merge and loops carry it: the values of its fields, and what is decided."""
    plan = [p if isinstance(p, str) else (p.conversion, p.spec) if isinstance(p, Field) else None for p in x.pieces]

    def build(values: list[Any]) -> Text:
        rest = iter(values)
        return Text([p if isinstance(p, str) else next(rest) if p is None else Field(next(rest), *p) for p in plan])

    return (Text, tuple(plan)), [p.value if isinstance(p, Field) else p for p in x.pieces if not isinstance(p, str)], \
        build


structures.register(Text, _as_node)
