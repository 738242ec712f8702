"""Lines of the loop IR's text, and the expressions in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ...errors import GradjitError, IRError
from ...ir import BOOL, F64, I64, OPS, ArrayType, DType, Loc
from ...ir.parser import Cursor
from ...records import dataclass
from ..affine import Affine, Var
from ..loops import Buffer, Node, Nodes
from .printer import INFIX

T = TypeVar("T")
_LOC = re.compile(r"[ ]+; (\S+):(\d{1,9})$")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
TEMPORARY = re.compile(r"%\d+")
NUMBER = re.compile(r"-?(?:inf|nan|\d+(?:\.\d*)?(?:e[+-]?\d+)?)(?![A-Za-z0-9_.])")
SUFFIX = re.compile(r":(?=[a-z])")
INTEGER = re.compile(r"-?\d{1,20}(?!\d)")
_OPERATOR = re.compile(r"[-+*/&|^]|[<>=!]=|[<>]")
COMBINED = re.compile(r"[a-z]*=")
OPERATIONS = {symbol: op for op, symbol in INFIX.items()}


@dataclass
class Line:
    """A line of the text: its number, how far it is indented, and its location behind the semicolon."""

    number: int
    indent: int
    text: str
    loc: Loc | None


class LineCursor(Cursor):
    """A position in one line."""

    def __init__(self, line: Line, filename: str, sizes: Mapping[str, int]):
        super().__init__(line.text, filename)
        self.number_of_line = line.number
        self.sizes = sizes

    def line(self) -> int:
        return self.number_of_line

    def error(self, message: str) -> IRError:
        return IRError(f"{self.filename}:{self.number_of_line}: {message}\n    {self.text:.200}")

    def ahead(self) -> int:
        at = self.at
        while at < len(self.text) and self.text[at] == " ":
            at += 1
        return at

    def integer(self, dtype: DType = I64) -> int:
        n = int(self.match(INTEGER, "an integer").group())
        info = np.iinfo(dtype.np)
        if not info.min <= n <= info.max:
            raise self.error(f"{n} is no {dtype}, which goes from {info.min} to {info.max}")
        return n

    def factor(self) -> int:
        """A part of a size; sizes have the names that the kernel gives them."""
        m = self.sees(NAME)
        if m is None and not self.sees(INTEGER) and self.accept("-"):
            return -self.factor()
        if m is None:
            return super().factor()
        if m.group() not in self.sizes:
            raise self.error(f"{m.group()} is no size that is known here")
        self.at = m.end()
        return self.sizes[m.group()]

    def name(self) -> str:
        return self.match(NAME, "a name").group()

    def sees(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.ahead())

    def ends(self) -> bool:
        return self.ahead() == len(self.text)

    def end(self) -> None:
        if not self.ends():
            raise self.error(f"expected the end of the line, found {self.found()}")

    def items(self, item: Callable[[], T]) -> list[T]:
        found = [item()]
        while self.accept(","):
            found.append(item())
        return found

    def integers(self) -> tuple[int, ...]:
        self.expect("[")
        if self.accept("]"):
            return ()
        found = self.items(self.size)
        self.expect("]")
        return tuple(found)


def lines_of(text: str) -> list[Line]:
    """What stands in the text, without empty lines and comments of their own lines."""
    found = []
    for k, raw in enumerate(text.split("\n"), 1):
        m = _LOC.search(raw)
        shown = (raw[:m.start()] if m else raw).rstrip()
        if shown.strip() and not shown.lstrip().startswith(";"):
            loc = Loc(m.group(1), int(m.group(2))) if m else None
            found.append(Line(k, len(shown) - len(shown.lstrip(" ")), shown.strip(), loc))
    return found


class Expressions:
    """Reads expressions and addresses, from the line at hand, with the names that are known there."""

    def __init__(self, filename: str):
        self.filename = filename
        self.nodes = Nodes()
        self.buffers: dict[str, Buffer] = {}
        self.totals: dict[str, Node] = {}
        self.names: dict[str, Node] = {}
        self.vars: dict[str, Var] = {}
        self.sizes: dict[str, int] = {}
        self.c = LineCursor(Line(1, 0, "", None), filename, self.sizes)
        self.loc: Loc | None = None

    # names ------------------------------------------------------------------------------------------------------------
    def known(self, table: dict[str, T], what: str) -> T:
        name = self.c.name()
        if name not in table:
            raise self.c.error(f"{name} is no {what} that is known here")
        return table[name]

    def memory(self) -> Buffer:
        return self.known(self.buffers, "buffer")

    def temporary(self) -> Node:
        name = self.c.match(TEMPORARY, "a name").group()
        if name not in self.names:
            raise self.c.error(f"{name} is not defined before this line")
        return self.names[name]

    def define(self, name: str, n: Node) -> None:
        if name in self.names:
            raise self.c.error(f"{name} is defined twice")
        if n.loc is None and n.kind not in ("const", "index", "load"):
            n.loc = self.loc
        self.names[name] = n

    def version(self) -> Node | None:
        if not self.c.accept("#"):
            return None
        k = self.c.integer()
        return self.nodes.make("version", (), k, I64, frozenset())

    # expressions ------------------------------------------------------------------------------------------------------
    def expression(self) -> Node:
        c = self.c
        if c.peek("%"):
            return self.temporary()
        if c.accept("("):
            return self.infix()
        if c.sees(NUMBER) or c.peek("true") or c.peek("false"):
            return self.literal()
        name = c.name()
        if c.peek("[") or c.peek("#"):
            return self.load(name)
        if not c.accept("("):
            if name not in self.totals:
                raise c.error(f"{name} is no accumulator that has its final value here")
            return self.totals[name]
        if name == "index":
            return self.index()
        return self.check() if name == "check" else self.apply(name)

    def literal(self) -> Node:
        c = self.c
        if c.peek("true") or c.peek("false"):
            return self.nodes.const(c.truth(), BOOL)
        m = c.match(NUMBER, "a number")
        is_float = not m.group().lstrip("-").isdigit()
        dtype = self.suffix() or (F64 if is_float else I64)
        end, c.at = c.at, m.start()
        value = c.floating() if dtype.is_float else c.integer(dtype)
        c.at = end
        with np.errstate(over="ignore"):
            return self.nodes.const(value, dtype)

    def suffix(self) -> DType | None:
        """The dtype right behind an expression, `:f32`; a colon at the end of a line is none."""
        m = self.c.sees(SUFFIX)
        if m is None:
            return None
        self.c.at = m.end()
        return self.c.dtype()

    def infix(self) -> Node:
        first = self.expression()
        symbol = self.c.match(_OPERATOR, "an operator").group()
        second = self.expression()
        self.c.expect(")")
        return self.made(OPERATIONS[symbol], (first, second), {})

    def load(self, name: str) -> Node:
        if name not in self.buffers:
            raise self.c.error(f"{name} is no buffer that is known here")
        version = self.version()
        return self.nodes.load(self.buffers[name], self.bracketed(), version)

    def bracketed(self) -> Affine:
        self.c.expect("[")
        a = self.address()
        self.c.expect("]")
        return a

    def index(self) -> Node:
        a = self.address()
        self.c.expect(")")
        return self.nodes.index(a, self.suffix() or I64)

    def check(self) -> Node:
        position = self.expression()
        self.c.expect("<")
        if self.c.accept("size "):
            limit = self.c.size()
            self.c.expect(")")
            return self.nodes.make("check", (position,), limit, I64, position.vars)
        extent = self.expression()
        self.c.expect(")")
        if extent.kind == "const":
            return self.nodes.make("check", (position,), int(extent.attrs), I64, position.vars)
        return self.nodes.make("check", (position, extent), None, I64, position.vars | extent.vars)

    def apply(self, op: str) -> Node:
        c = self.c
        if op not in OPS or not OPS[op].pointwise:
            raise c.error(f"{op} is no operation on numbers")
        args: list[Node] = []
        attrs: dict[str, Any] = {}
        while not c.accept(")"):
            m = c.sees(re.compile(r"([a-z_]+)="))
            if m and m.group(1) in OPS[op].attrs:
                c.at = m.end()
                attrs[m.group(1)] = OPS[op].attrs[m.group(1)].read(c)
            else:
                args.append(self.expression())
            if not c.peek(")"):
                c.expect(",")
        return self.made(op, tuple(args), attrs)

    def made(self, op: str, args: tuple[Node, ...], attrs: dict[str, Any]) -> Node:
        spec = OPS[op]
        if spec.arity is not None and len(args) != spec.arity:
            raise self.c.error(f"{op} takes {spec.arity} operands, found {len(args)}")
        try:
            t, = spec.result_types([ArrayType(a.dtype) for a in args], attrs, ())
        except GradjitError as e:
            raise self.c.error(str(e)) from e
        return self.nodes.apply(op, args, t.dtype, attrs)

    def address(self) -> Affine:
        """`8*i + {j} - 3`"""
        c = self.c
        total = self.term(1)
        while (m := c.sees(re.compile(r"[-+] "))) is not None:
            c.at = m.end()
            total = total + self.term(1 if m.group()[0] == "+" else -1)
        return total

    def term(self, sign: int) -> Affine:
        c, weight = self.c, sign
        while c.sees(INTEGER) or c.peek("(") or self.sees_size():
            weight = weight * c.factor()
            if not c.accept("*"):
                return Affine({}, weight)
        if c.accept("{"):
            atom: Any = self.expression()
            c.expect("}")
        elif c.peek("%"):
            atom = self.temporary()
        else:
            atom = self.known(self.vars, "loop variable")
        if isinstance(atom, Node) and atom.dtype is not I64:
            raise c.error(f"an address of {atom.dtype}")
        return Affine({atom: weight})

    def sees_size(self) -> bool:
        m = self.c.sees(NAME)
        return m is not None and m.group() in self.sizes
