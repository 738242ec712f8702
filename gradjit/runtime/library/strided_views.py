"""Functions that every library holds for its strided variants: is an array in order, and, packed, of one piece.

They are emitted as LLVM IR, so that the object file needs no compiler of C.
"""

from __future__ import annotations

from gradjit.codegen import llvm
from gradjit.runtime.c_function import F64, I32, I64, NULL, PTR, CFunction, i32, i64
from gradjit.runtime.library import error_codes

LIMIT = 1 << 47
"""No array has so many bytes: addresses of programs are shorter."""
RECORD = 40
"""A view: where its elements are in one piece, what of that is to be freed, the first byte of the caller's, the one
behind the last, and where the caller's begin."""
PIECE, OWNED, LOW, HIGH, DATA = (8 * k for k in range(5))
READS, WRITES = 1, 2
VIEW, MOVE, RELEASE = "gradjit.view", "gradjit.move", "gradjit.release"


def library_function(module: llvm.Module, name: str, result: llvm.Type, parameters: list[llvm.Type]) -> llvm.Function:
    """A function of this module, or of the C library."""
    return module.declared(name, llvm.FunctionType(result, parameters))


def memory_copy(frame: CFunction, to: llvm.Value, source: llvm.Value, nbytes: llvm.Value) -> None:
    copy = library_function(frame.module, "memcpy", PTR, [PTR, PTR, I64])
    frame.builder.call(copy, [to, source, nbytes])


def emit_view_functions(module: llvm.Module) -> None:
    _move(CFunction(module, MOVE, "p", "ppnnppi"))
    _view(CFunction(module, VIEW, "i", "ppnnppi"))
    _release(CFunction(module, RELEASE, "v", "pn"))


def _move(frame: CFunction) -> None:
    """`void *move(void *piece, void *data, size, rank, extents, strides, gather)`: copy elements from where they are
    into one piece, or the other way; gives the end of the piece."""
    b = frame.builder
    piece, data, size, rank, extents, strides, gather = frame.function.args
    cursor = frame.variable(piece)
    none, some = frame.block("element"), frame.block("axis")
    b.cbranch(frame.same(rank, i64(0)), none, some)
    frame.enter(none)
    gathers = frame.differs(gather, i32(0))
    to, source = b.select(gathers, piece, data), b.select(gathers, data, piece)
    word, other, done = frame.block("word"), frame.block("bytes"), frame.block("copied")
    b.cbranch(frame.same(size, i64(8)), word, other)
    frame.enter(word)
    b.store(b.load(source, type=I64, align=1), to, align=1)
    frame.go(done)
    frame.enter(other)
    memory_copy(frame, to, source, size)
    frame.go(done)
    frame.enter(done)
    b.ret(frame.at(piece, size))
    frame.enter(some)
    count, step = frame.load(extents, 0, I64), frame.load(strides, 0, I64)
    with frame.loop(count) as k:
        at = frame.at(data, b.mul(k, step))
        end = b.call(frame.function, [frame.load(cursor), at, size, b.sub(rank, i64(1)), frame.at(extents, 8),
                                      frame.at(strides, 8), gather])
        frame.store(end, cursor)
    b.ret(frame.load(cursor))
    frame.finish()


def _view(frame: CFunction) -> None:
    """`int32_t view(record, data, size, rank, extents, strides, use)`: look at an array whose extents are known to be
    in order, and have its elements in one piece. Gives 0 or the kind of an error."""
    b = frame.builder
    record, data, size, rank, extents, strides, use = frame.function.args
    one, zero = i64(1), i64(0)
    in_order, below, above, expected = (frame.variable(x) for x in (one, zero, zero, size))
    bad_strides = _leaving(frame, error_codes.STRIDES)
    with frame.loop(rank) as k:
        axis = b.sub(b.sub(rank, one), k)
        n, s = (frame.load(frame.word(p, axis), 0, I64) for p in (extents, strides))
        single = frame.same(n, one)
        fits = b.or_(single, frame.same(s, frame.load(expected, 0, I64)))
        frame.store(b.and_(frame.load(in_order, 0, I64), b.zext(fits, I64)), in_order)
        frame.store(b.mul(frame.load(expected, 0, I64), n), expected)
        whole = frame.same(b.and_(s, b.sub(size, one)), zero)
        reach = b.fmul(b.sitofp(s, F64), b.sitofp(b.sub(n, one), F64))
        near = b.and_(b.fcmp_ordered("<=", reach, llvm.Constant(F64, float(LIMIT))),
                      b.fcmp_ordered(">=", reach, llvm.Constant(F64, -float(LIMIT))))
        frame.require(b.or_(single, b.or_(frame.same(n, zero), b.and_(whole, near))), bad_strides)
        span = b.select(b.or_(single, frame.same(n, zero)), zero, b.mul(s, b.sub(n, one)))
        down = b.icmp_signed("<", span, zero)
        frame.store(b.add(frame.load(below, 0, I64), b.select(down, span, zero)), below)
        frame.store(b.add(frame.load(above, 0, I64), b.select(down, zero, span)), above)
    nbytes = frame.load(expected, 0, I64)
    for offset, value in ((PIECE, data), (OWNED, NULL), (LOW, NULL), (HIGH, NULL), (DATA, data)):
        frame.store(value, record, offset)
    full, empty = frame.block("full"), frame.block("empty")
    b.cbranch(frame.differs(nbytes, zero), full, empty)
    frame.enter(empty)
    b.ret(i32(0))
    frame.enter(full)
    frame.require(frame.differs(data, NULL), _leaving(frame, error_codes.NULL_POINTER))
    address = b.ptrtoint(data, I64)
    frame.require(frame.same(b.and_(address, b.sub(size, one)), zero), _leaving(frame, error_codes.MISALIGNED))
    frame.store(b.add(address, frame.load(below, 0, I64)), record, LOW)
    frame.store(b.add(b.add(address, frame.load(above, 0, I64)), size), record, HIGH)
    strided, ready = frame.block("strided"), frame.block("ready")
    b.cbranch(frame.differs(frame.load(in_order, 0, I64), zero), ready, strided)
    frame.enter(ready)
    b.ret(i32(0))
    frame.enter(strided)
    _elements_apart(frame, bad_strides)
    piece = b.call(library_function(frame.module, "malloc", PTR, [I64]), [nbytes])
    frame.require(frame.differs(piece, NULL), _leaving(frame, error_codes.NO_MEMORY))
    frame.store(piece, record, PIECE)
    frame.store(piece, record, OWNED)
    read, done = frame.block("read"), frame.block("packed")
    b.cbranch(frame.differs(b.and_(use, i32(READS)), i32(0)), read, done)
    frame.enter(read)
    b.call(frame.module.defined(MOVE), [piece, data, size, rank, extents, strides, i32(1)])
    frame.go(done)
    frame.enter(done)
    b.ret(i32(0))
    frame.finish()


def _elements_apart(frame: CFunction, otherwise: llvm.Block) -> None:
    """Of an array that is written to, see that a step along each axis is no shorter than what lies within it."""
    b = frame.builder
    _, _, size, rank, extents, strides, use = frame.function.args
    onwards = frame.block("apart")
    look = frame.block("look")
    b.cbranch(frame.differs(b.and_(use, i32(WRITES)), i32(0)), look, onwards)
    frame.enter(look)
    with frame.loop(rank) as k:
        n, step = frame.load(frame.word(extents, k), 0, I64), _length(frame, strides, k)
        within = frame.variable(size)
        with frame.loop(rank) as j:
            other = _length(frame, strides, j)
            inner = b.or_(b.icmp_signed("<", other, step),
                          b.and_(frame.same(other, step), b.icmp_signed("<", j, k)))
            reach = b.mul(other, b.sub(frame.load(frame.word(extents, j), 0, I64), i64(1)))
            total = b.add(frame.load(within, 0, I64), b.select(inner, reach, i64(0)))
            frame.store(total, within)
        frame.require(b.or_(b.icmp_signed("<=", n, i64(1)),
                            b.icmp_signed(">=", step, frame.load(within, 0, I64))), otherwise)
    frame.go(onwards)
    frame.enter(onwards)


def _length(frame: CFunction, strides: llvm.Value, k: llvm.Value) -> llvm.Value:
    s = frame.load(frame.word(strides, k), 0, I64)
    return frame.builder.select(frame.builder.icmp_signed("<", s, i64(0)), frame.builder.neg(s), s)


def _leaving(frame: CFunction, kind: int) -> llvm.Block:
    """A block that returns a number."""
    here = frame.builder.block
    made = frame.block("refused")
    frame.enter(made)
    frame.builder.ret(i32(kind))
    frame.enter(here)
    return made


def _release(frame: CFunction) -> None:
    """`void release(records, count)`: free what was packed."""
    records, count = frame.function.args
    b = frame.builder
    with frame.loop(count) as k:
        record = frame.at(records, b.mul(k, i64(RECORD)))
        b.call(library_function(frame.module, "free", llvm.VoidType(), [PTR]), [frame.load(record, OWNED)])
    b.ret_void()
    frame.finish()


__all__ = [
    "DATA", "HIGH", "I32", "LIMIT", "LOW", "MOVE", "OWNED", "PIECE", "READS", "RECORD", "RELEASE", "VIEW", "WRITES",
    "emit_view_functions", "library_function", "memory_copy",
]
