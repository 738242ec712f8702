"""IR from text: the inverse of the printer. Errors name the line of the text."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from ..errors import GradjitError, IRError
from .attrs import read_extents, read_literal
from .core import Block, Func, Loc, Module, Op, Value
from .ops import OPS, checked_types
from .sizes import Dim, size_of
from .types import DTYPES, I64, ArrayType, DType, defect

_SPACE = re.compile(r"[ \t\r\n]*(?:;[^\n]*\n?[ \t\r\n]*)*")
_NUMBER = re.compile(r"-?(?:inf|nan|\d+(?:\.\d*)?(?:e[+-]?\d+)?)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE = re.compile(r"%([A-Za-z0-9_.]+)")
_LOC = re.compile(r"[ \t{]*;[ \t]*(\S+):(\d{1,9})[ \t]*(?=\n|$)")
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_FUNC_NAME = re.compile(r"[\w.<>]+")

DEEPEST = 64
"""So many regions stand in one another at most: what works on IR goes down into them by recursion."""


class Cursor:
    """A position in the text, with the values in scope."""

    def __init__(self, text: str, filename: str = "<ir>", locate: bool = False):
        self.text = text
        self.filename = filename
        self.locate = locate
        self.at = 0
        self.scope: dict[str, Value] = {}
        self.module = Module()
        self.dims: dict[str, Dim] = {}
        self.depth = 0

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def error(self, message: str) -> IRError:
        line = self.line()
        shown = self.text.split("\n")[line - 1].strip()
        return IRError(f"{self.filename}:{line}: {message}\n    {shown:.200}")

    def ahead(self) -> int:
        """The position of the next token. Looking does not move: a comment behind an operation is its location."""
        return _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]

    def skip(self) -> None:
        self.at = self.ahead()

    def peek(self, token: str) -> bool:
        return self.text.startswith(token, self.ahead())

    def accept(self, token: str) -> bool:
        found = self.peek(token)
        if found:
            self.at = self.ahead() + len(token)
        return found

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise self.error(f"expected {token!r}, found {self.found()}")

    def match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        self.skip()
        m = pattern.match(self.text, self.at)
        if m is None:
            raise self.error(f"expected {what}, found {self.found()}")
        self.at = m.end()
        return m

    def found(self) -> str:
        """What stands at the next token, for a message."""
        rest = self.text[self.ahead():].partition("\n")[0]
        return repr(rest[:20]) if rest else "the end of the text"

    def word(self) -> str:
        return self.match(_WORD, "a word").group()

    def number(self) -> str:
        return self.match(_NUMBER, "a number").group()

    def integer(self, dtype: DType = I64) -> int:
        """A number that the dtype holds."""
        text = self.number()
        info = np.iinfo(dtype.np)
        try:
            if info.min <= (n := int(text)) <= info.max:
                return n
        except ValueError:  # no integer, or one of thousands of digits
            if not text.lstrip("-").isdigit():
                raise self.error(f"expected an integer, found {text!r}") from None
        raise self.error(f"{text:.30} is no {dtype}, which goes from {info.min} to {info.max}")

    def floating(self) -> float:
        text = self.number()
        try:
            return float(text)
        except ValueError:
            raise self.error(f"expected a number, found {text!r}") from None

    def truth(self) -> bool:
        word = self.word()
        if word not in ("true", "false"):
            raise self.error(f"expected true or false, found {word!r}")
        return word == "true"

    def string(self) -> str:
        """A text in double quotes, with JSON's escapes."""
        quoted = self.match(_TEXT, "a text in double quotes").group()
        try:
            return str(json.loads(quoted))
        except ValueError:
            raise self.error(f"{quoted} is no text in double quotes") from None

    def dtype(self) -> DType:
        word = self.word()
        if word not in DTYPES:
            raise self.error(f"unknown dtype {word!r}")
        return DTYPES[word]

    def value(self) -> Value:
        name = self.match(_VALUE, "a value").group(1)
        if name not in self.scope:
            raise self.error(f"%{name} is not defined before this line")
        return self.scope[name]

    def function(self) -> Func:
        """A function that stands before, by its name."""
        self.expect("@")
        name = self.match(_FUNC_NAME, "a function name").group()
        if name not in self.module.funcs:
            raise self.error(f"@{name} is not defined before this line")
        return self.module[name]

    def values(self) -> tuple[Value, ...]:
        found = []
        while self.peek("%"):
            found.append(self.value())
            if not self.accept(","):
                break
        return tuple(found)

    # structure ------------------------------------------------------------------------------------------------------
    def type(self) -> ArrayType:
        t = ArrayType(self.dtype(), read_extents(self))
        if (wrong := defect(t)) is not None:
            raise self.error(wrong)
        return t

    def typed_name(self) -> tuple[str, ArrayType]:
        name = self.match(_VALUE, "a value").group(1)
        self.expect(":")
        return name, self.type()

    def define(self, name: str, v: Value) -> None:
        if name in self.scope:
            raise self.error(f"%{name} is defined twice")
        v.name = "" if name.isdigit() else re.sub(r"\.\d+$", "", name)
        self.scope[name] = v

    def parameters(self) -> Block:
        """`(%a: f64[], ...)`: a block with its parameters in scope (a later extent may name an earlier one)."""
        self.expect("(")
        params: list[Value] = []
        block = Block()
        while not self.accept(")"):
            name, t = self.typed_name()
            params.append(Value(t, block, len(params)))
            self.define(name, params[-1])
            if not self.peek(")"):
                self.expect(",")
        block.params = tuple(params)
        return block

    def func(self) -> Func:
        self.expect("func")
        self.expect("@")
        name = self.match(_FUNC_NAME, "a function name").group()
        self.scope = {}
        block = self.parameters()
        self.expect("->")
        begin, brace = self.at, self.text.find("{", self.at)
        is_computed = "%" in self.text[begin:brace]  # extents of results that the body computes, which is read first
        if is_computed:
            self.at = brace
        declared = [] if is_computed else self.result_types()
        self.expect("{")
        self.body(block, "return")
        self.expect("}")
        if is_computed:
            end, self.at = self.at, begin
            declared, self.at = self.result_types(), end
        if [v.type for v in block.results] != declared:
            raise self.error(f"@{name} returns {[v.type for v in block.results]}, declared {declared}")
        return Func(name, block)

    def result_types(self) -> list[ArrayType]:
        if not self.accept("("):
            return [self.type()]
        types = []
        while not self.accept(")"):
            types.append(self.type())
            if not self.peek(")"):
                self.expect(",")
        return types

    def body(self, block: Block, leave: str) -> None:
        while not self.leaves(leave):
            block.ops.append(self.op())
        self.expect(leave)
        block.results = self.values()

    def leaves(self, leave: str) -> bool:
        if self.peek(leave):
            return True
        if self.peek("%") or self.peek("=") or self.gives_nothing():
            return False
        self.skip()
        raise self.error(f"expected an operation or {leave!r}")

    def gives_nothing(self) -> bool:
        """Whether the next operation has no results: it stands for its effect alone."""
        word = _WORD.match(self.text, self.ahead())
        return word is not None and word.group() in OPS

    def op(self) -> Op:
        results = []
        start = self.ahead()
        if not self.gives_nothing():
            while not self.accept("="):
                results.append(self.typed_name())
                if not self.peek("="):
                    self.expect(",")
        name = self.word()
        if name not in OPS:
            raise self.error(f"unknown operation {name!r}")
        operands = self.values() if OPS[name].arity != 0 else ()  # else the next line's results look like operands
        attrs = self.attrs(name, [t for _, t in results])
        loc = self.location()
        regions = self.regions(OPS[name].regions)
        end, self.at = self.at, start  # what is wrong with the operation is said of its first line
        op = self.checked(name, operands, attrs, regions, [t for _, t in results])
        op.loc = loc or (Loc(self.filename, self.line()) if self.locate else None)
        for (n, _), v in zip(results, op.results, strict=True):
            self.define(n, v)
        self.at = end
        return op

    def checked(self, name: str, operands: tuple[Value, ...], attrs: dict[str, Any], regions: tuple[Block, ...],
                declared: list[ArrayType]) -> Op:
        spec = OPS[name]
        if spec.arity is not None and len(operands) != spec.arity:
            raise self.error(f"{name} takes {spec.arity} operands, found {len(operands)}")
        try:
            inferred = checked_types(spec, [v.type for v in operands], attrs, declared)
        except GradjitError as e:
            raise self.error(str(e)) from e
        if list(inferred) != declared:
            raise self.error(f"{name} gives {list(inferred)}, declared {declared}")
        return Op(name, operands, attrs, inferred, regions)

    def attrs(self, name: str, declared: list[ArrayType]) -> dict[str, Any]:
        if name == "slice":
            return self.window()
        if name == "const":
            if len(declared) != 1:
                raise self.error("const has one result")
            return {"value": read_literal(self, declared[0]), "shape": declared[0].shape}
        found = {}
        for attr, kind in OPS[name].attrs.items():
            if attr in OPS[name].defaults and not self.peek(attr):
                continue
            self.expect(attr)
            self.expect("=")
            found[attr] = kind.read(self)
        return found

    def window(self) -> dict[str, Any]:
        starts, sizes, steps = [], [], []
        self.expect("[")
        while not self.accept("]"):
            starts.append(self.extent())
            self.expect(":+")
            sizes.append(self.extent())
            steps.append(self.size() if self.accept(":") else 1)
            if not self.peek("]"):
                self.expect(",")
        return {"starts": tuple(starts), "sizes": tuple(sizes), "steps": tuple(steps)}

    def extent(self) -> Any:
        return self.value() if self.peek("%") else self.size()

    def size(self) -> int:
        """An int, or a polynomial of open extents: `2*n*m - 1`, `(n//2)`."""
        out = self.product()
        while (minus := self.accept("-")) or self.accept("+"):
            term = self.product()
            out = out - term if minus else out + term
        return out

    def product(self) -> int:
        out = self.factor()
        while self.accept("*"):
            out = out * self.factor()
        return out

    def factor(self) -> int:
        if self.accept("("):
            self.deeper("parentheses")
            of = self.size()
            self.depth -= 1
            if self.accept("//"):
                of = of // self.integer()
            self.expect(")")
            return of
        negative = self.accept("-") if not _NUMBER.match(self.text, self.ahead()) else False
        m = _WORD.match(self.text, self.ahead())
        if m is None:
            return self.integer()
        self.at = m.end()
        size = size_of(self.dims.setdefault(m.group(), Dim(m.group())))
        return -size if negative else size

    def regions(self, count: int) -> tuple[Block, ...]:
        found = []
        self.deeper("regions")
        for k in range(count):
            self.expect("{")
            outer = dict(self.scope)
            block = self.parameters()
            self.body(block, "yield")
            self.scope = outer
            found.append(block)
            if k + 1 < count:
                self.expect("}")
        if count:
            self.expect("}")
        self.depth -= 1
        return tuple(found)

    def deeper(self, what: str) -> None:
        """One more stands within another."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"more than {DEEPEST} {what} stand in one another")

    def location(self) -> Loc | None:
        """The `; file:line` at the end of the current line, if there is one."""
        m = _LOC.match(self.text, self.at)
        return Loc(m.group(1), int(m.group(2))) if m else None


def parse(text: str, filename: str = "<ir>", locate: bool = False) -> Module:
    """The module that the text spells. Raises IRError with the line at fault.

    locate: operations without a location of their own get their line of the text.
    """
    c = Cursor(text, filename, locate)
    c.skip()
    while c.at < len(text):
        f = c.func()
        if f.name in c.module.funcs:
            raise c.error(f"@{f.name} is defined twice")
        c.module.add(f)
        c.skip()
    return c.module
