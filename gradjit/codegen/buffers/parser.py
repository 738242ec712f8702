"""The buffer IR from text: the inverse of the printer. Errors name the line of the text."""

from __future__ import annotations

import re

from ...ir import ArrayType, Block, Func, Value
from ...ir.parser import Cursor
from ..elements import whole
from ..loops import Buffer, View
from .language import BufferProgram
from .printer import ON_TAPE

_NAME = re.compile(r"@([A-Za-z_][\w.]*)")
_KERNEL = re.compile(r"[^(\n]+")


class BufferParser(Cursor):
    """Reads one program."""

    def __init__(self, text: str, filename: str = "<buffers>", locate: bool = False):
        super().__init__(text, filename, locate)
        self.homes: dict[str, str] = {}  # of values that are about to be defined, by their names
        self.memory: dict[str, Buffer] = {}
        self.program_ = BufferProgram(Func("", Block()))

    def typed_name(self) -> tuple[str, ArrayType]:
        name, t = super().typed_name()
        if self.peek("@"):
            self.homes[name] = self.match(_NAME, "the name of memory").group(1)
        return name, t

    def define(self, name: str, v: Value) -> None:
        super().define(name, v)
        if name in self.homes:
            self.program_.homes[v] = self.home(self.homes.pop(name), v)

    def home(self, name: str, v: Value) -> View:
        t = v.type
        if name == ON_TAPE:
            return whole(Buffer(ON_TAPE, t.dtype, t.extents if t.is_static else (), "tape"))
        if name not in self.memory:
            raise self.error(f"@{name} is no memory that is declared here")
        buffer = self.memory[name]
        if buffer.dtype is not t.dtype:
            raise self.error(f"@{name} holds {buffer.dtype}, not {t.dtype}")
        return whole(buffer, t.extents if t.is_static else None)

    def program(self) -> BufferProgram:
        self.expect("program")
        self.expect("@")
        p = self.program_
        name = self.match(_KERNEL, "a name").group()
        p.func = Func(name, self.inputs())
        self.expect("->")
        declared = self.results()
        self.expect("{")
        while self.accept("memory"):
            self.workspace()
        self.body(p.func.body, "return")
        self.expect("}")
        if [v.type for v in p.func.results] != declared:
            raise self.error(f"@{name} returns {[v.type for v in p.func.results]}, declared {declared}")
        return p

    def inputs(self) -> Block:
        """`(%x: f64[3,4] @x by [1, 3], ...)`"""
        self.expect("(")
        block = Block()
        while not self.accept(")"):
            name, t = super().typed_name()
            v = Value(t, block, len(block.params))
            block.params += (v,)
            at = self.match(_NAME, "the name of memory").group(1)
            strides = self.strides() if self.accept("by") else None
            buffer = self.declare(at, Buffer(at, t.dtype, t.extents, "input", strides=strides))
            self.define(name, v)
            self.program_.inputs.append(buffer)
            self.program_.homes[v] = View(buffer, 0, strides or whole(buffer).strides, t.extents)
            if not self.peek(")"):
                self.expect(",")
        return block

    def strides(self) -> tuple[int, ...]:
        found: list[int] = []
        self.expect("[")
        while not self.accept("]"):
            found.append(self.size())
            if not self.peek("]"):
                self.expect(",")
        return tuple(found)

    def results(self) -> list[ArrayType]:
        self.expect("(")
        types: list[ArrayType] = []
        while not self.accept(")"):
            types.append(t := self.type())
            if self.peek("@"):
                name = self.match(_NAME, "the name of memory").group(1)
                self.program_.outputs[len(types) - 1] = self.declare(name, Buffer(name, t.dtype, t.extents, "output"))
            if not self.peek(")"):
                self.expect(",")
        return types

    def workspace(self) -> None:
        """`w0, w1: f64[100] local`"""
        names = [self.word()]
        while self.accept(","):
            names.append(self.word())
        self.expect(":")
        t = self.type()
        role = "local" if self.accept("local") else "workspace"
        for name in names:
            self.program_.workspace.append(self.declare(name, Buffer(name, t.dtype, t.extents, role)))

    def declare(self, name: str, buffer: Buffer) -> Buffer:
        if name in self.memory or name == ON_TAPE:
            raise self.error(f"@{name} is declared twice" if name in self.memory else f"no memory is called @{name}")
        self.memory[name] = buffer
        return buffer


def parse_buffers(text: str, filename: str = "<buffers>", locate: bool = False) -> BufferProgram:
    """The program that the text spells. Raises IRError with the line at fault.

    locate: operations without a location of their own get their line of the text.
    """
    c = BufferParser(text, filename, locate)
    p = c.program()
    c.skip()
    if c.at < len(text):
        raise c.error(f"expected the end of the text, found {c.found()}")
    mark_what_moves(p)
    return p


def mark_what_moves(p: BufferProgram) -> None:
    """Memory that changes places with other memory is found through pointers."""
    for op, home in p.traded():
        old = p.homes.get(op.operands[0])
        if old is not None:
            old.buffer.moves = home.buffer.moves = True
