"""The threads that run the chunks of parallel loops, as machine code over the C library's threads.

Kernels call `i32 parallel(body, context, count, limit, record)`: it runs `body(context, k, record)` for each chunk k of
0, ..., count - 1, on as many threads as are allowed, and answers 0, or what the first chunk in the order of the program
answers that fails.

- The caller works along with its *helpers*. Chunks are handed out one by one, so whoever comes late finds less to do,
  and nobody waits for a helper that is not there yet.
- A helper that finds nothing to do looks on for a moment (`LOOKS`), then sleeps: an idle pool costs nothing.
- One call at a time has the helpers. Who comes meanwhile (another thread of Python's, a call within a call) runs its
  chunks itself: the results are the same, as what a chunk is depends on sizes alone.
- Helpers are made when they are first needed, block all signals, and never touch Python. In a forked child there are
  none; they are made anew.

The pool is a row of words (`WORDS`) that is never freed: helpers read it until the process is gone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from gradjit.codegen import llvm
from gradjit.runtime import cpython, disk_cache, jit, support
from gradjit.runtime.c_function import I32, I64, NULL, CFunction, i32, i64
from gradjit.runtime.packed_code import joined, parted

MAX_THREADS = 1024
"""More are refused, as a mistake."""
LOOKS = 2000
"""How often a helper looks for work, and a caller whether the helpers have ended, before they sleep: 20 to 100 µs."""

# Where things stand in the pool, in bytes; what different threads write, on lines of their own.
PID, THREADS, HELPERS, BUSY, SLEEPERS = 0, 8, 16, 24, 32
GATE, NEXT = 128, 256
BODY, CONTEXT, COUNT, STOP, FAILED, STATUS, INDEX, EXTENT = range(384, 448, 8)
LOCK, WAKE, DONE = 512, 640, 768
POOL_BYTES = 1024

OPEN = 1 << 62
"""Set in the gate while a call hands out chunks. Below it: how many helpers may still come in, and (the low half) how
many are in."""
TICKET = 1 << 32
NOBODY = (1 << 63) - 1
"""In the place of the number of the first chunk that has failed."""

# Symbol -> (result, parameters), as in cpython.SIGNATURES.
LIBRARY = {
    "pthread_create": ("i", "pppp"), "pthread_mutex_init": ("i", "pp"), "pthread_mutex_lock": ("i", "p"),
    "pthread_mutex_unlock": ("i", "p"), "pthread_cond_init": ("i", "pp"), "pthread_cond_wait": ("i", "pp"),
    "pthread_cond_broadcast": ("i", "p"), "pthread_sigmask": ("i", "ipp"), "sigfillset": ("i", "p"),
    "getpid": ("i", ""),
}
POOL, INTERRUPTED = "gradjit.pool", "gradjit.interrupted"
INTERRUPTION = -3
PAUSES = {"x86_64": ("llvm.x86.sse2.pause", ()), "AMD64": ("llvm.x86.sse2.pause", ()),
          "aarch64": ("llvm.aarch64.hint", (i32(1),)), "arm64": ("llvm.aarch64.hint", (i32(1),))}


class PoolFunction(CFunction):
    """A function of the pool under construction."""

    @property
    def pool(self) -> llvm.Value:
        return self.object(POOL)

    def library(self, name: str, *arguments: llvm.Value) -> llvm.Value:
        return self._call(name, LIBRARY[name], arguments)

    def look(self, offset: int) -> llvm.Value:
        """A word of the pool as it is now."""
        return self.builder.load_atomic(self.at(self.pool, offset), "seq_cst", 8, type=I64)

    def put(self, value: llvm.Value, offset: int) -> None:
        self.builder.atomic_rmw("xchg", self.at(self.pool, offset), value, "seq_cst")

    def change(self, how: str, offset: int, value: int) -> llvm.Value:
        """Change a word at once; what it was."""
        return self.builder.atomic_rmw(how, self.at(self.pool, offset), i64(value), "seq_cst")

    def exchange(self, offset: int, was: llvm.Value, becomes: llvm.Value) -> llvm.Value:
        """Set a word that still is what it was; whether it was."""
        answer = self.builder.cmpxchg(self.at(self.pool, offset), was, becomes, "seq_cst")
        return self.builder.extract_value(answer, 1)

    def pause(self) -> None:
        """Tell the processor that this thread waits."""
        if platform.machine() in PAUSES:
            name, arguments = PAUSES[platform.machine()]
            kind = llvm.FunctionType(llvm.VoidType(), [a.type for a in arguments])
            function = self.module.declared(name, kind)
            self.builder.call(function, arguments)

    @contextmanager
    def locked(self) -> Iterator[None]:
        self.library("pthread_mutex_lock", self.at(self.pool, LOCK))
        yield
        self.library("pthread_mutex_unlock", self.at(self.pool, LOCK))

    @contextmanager
    def when(self, condition: llvm.Value) -> Iterator[None]:
        then, after = self.block(), self.block()
        self.builder.cbranch(condition, then, after)
        self.enter(then)
        yield
        self.go(after)
        self.enter(after)

    def wait(self, condition: int, is_over: object) -> None:
        """With the lock: sleep until `is_over()` holds; who makes it hold tells the condition."""
        test, sleep, after = self.block(), self.block(), self.block()
        self.go(test)
        self.enter(test)
        self.builder.cbranch(is_over(), after, sleep)  # type: ignore[operator]
        self.enter(sleep)
        self.library("pthread_cond_wait", self.at(self.pool, condition), self.at(self.pool, LOCK))
        self.go(test)
        self.enter(after)

    def is_open(self, gate: llvm.Value) -> llvm.Value:
        """Whether there is work, and room for one helper more."""
        return self.builder.icmp_signed(">=", gate, i64(OPEN + TICKET))

    def is_left(self, gate: llvm.Value) -> llvm.Value:
        """Whether no helper is in."""
        return self.same(self.builder.and_(gate, i64(TICKET - 1)), i64(0))

    def fresh_record(self, stop: llvm.Value) -> llvm.Value:
        """Where a chunk that fails tells an index and an extent, and reads (by address) whether it is to stop."""
        record = self.cell(24, 8)
        self.store(stop, record, 16)
        return record

    def call_pool(self, name: str, *arguments: llvm.Value) -> llvm.Value:
        """Call a function of the pool that has been emitted."""
        return self.builder.call(self.module.defined(f"gradjit.pool.{name}"), arguments)

    def asked(self, name: str) -> llvm.Value:
        """Whether the user interrupts."""
        return self._call(name, ("i", ""), ())

    def run_chunk(self, body: llvm.Value, context: llvm.Value, k: llvm.Value, record: llvm.Value) -> llvm.Value:
        return self.call_pointer(body, I32, context, k, record)


def _parallel(frame: PoolFunction) -> None:
    """`i32 parallel(ptr body, ptr context, i64 count, ptr limit, ptr record)`

    limit: the address of the number of threads that are allowed; 0 there for what holds for all.
    """
    body, context, count, limit, record = frame.function.args
    alone, taken = frame.block("alone"), frame.block("taken")
    b = frame.builder
    own = frame.load(limit, 0, I64)
    wanted = b.select(frame.same(own, i64(0)), frame.look(THREADS), own)
    wanted = b.select(b.icmp_signed("<", wanted, count), wanted, count)
    if HAS_THREADS:
        frame.unless(b.icmp_signed("<=", wanted, i64(1)), alone)
        frame.require(frame.differs(frame.call_pool("is_ours"), i32(0)), alone)
        b.cbranch(frame.exchange(BUSY, i64(0), i64(1)), taken, alone)
        frame.enter(taken)
        frame.call_pool("grow", b.sub(wanted, i64(1)))
        b.ret(shared(frame, wanted))
    else:
        frame.go(alone)
    frame.enter(alone)
    b.ret(frame.call_pool("alone", body, context, count, limit, record))


def shared(frame: PoolFunction, wanted: llvm.Value) -> llvm.Value:
    """Hand the chunks out to helpers, work along, wait for them; the status."""
    body, context, count, _, record = frame.function.args
    b = frame.builder
    for offset, value in ((BODY, body), (CONTEXT, context), (COUNT, count), (STOP, i64(0)), (FAILED, i64(NOBODY)),
                          (STATUS, i64(0))):
        frame.store(value, frame.pool, offset)
    frame.put(i64(0), NEXT)
    frame.put(b.add(b.mul(b.sub(wanted, i64(1)), i64(TICKET)), i64(OPEN)), GATE)
    with frame.when(frame.differs(frame.look(SLEEPERS), i64(0))), frame.locked():
        frame.library("pthread_cond_broadcast", frame.at(frame.pool, WAKE))
    frame.call_pool("work", i32(1))
    frame.change("and", GATE, ~OPEN)
    spin(frame, lambda: frame.is_left(frame.look(GATE)))
    with frame.when(b.not_(frame.is_left(frame.look(GATE)))), frame.locked():
        frame.wait(DONE, lambda: frame.is_left(frame.look(GATE)))
    status = b.trunc(frame.load(frame.pool, STATUS, I64), I32)
    with frame.when(frame.differs(status, i32(0))), frame.when(frame.differs(record, NULL)):
        for k, offset in enumerate((INDEX, EXTENT)):
            frame.store(frame.load(frame.pool, offset, I64), record, 8 * k)
    frame.put(i64(0), BUSY)
    return status


def spin(frame: PoolFunction, is_over: object) -> None:
    """Wait a moment for a condition; it may not hold even then."""
    after = frame.block()
    with frame.loop(i64(LOOKS)):
        frame.unless(is_over(), after)  # type: ignore[operator]
        frame.pause()
    frame.go(after)
    frame.enter(after)


def _alone(frame: PoolFunction) -> None:
    """`i32 alone(ptr body, ptr context, i64 count, ptr limit, ptr record)`"""
    one_by_one(frame, INTERRUPTED)


def one_by_one(frame: PoolFunction, asks: str) -> None:
    """`parallel` without threads: all chunks, one after the other. asks: the function that tells whether the user
    interrupts."""
    body, context, count, _, record = frame.function.args
    own = frame.fresh_record(frame.variable(i64(0)))
    failed, interrupted = frame.block("failed"), frame.block("interrupted")
    answer = frame.variable(i64(0))
    with frame.loop(count) as k:
        status = frame.run_chunk(body, context, k, own)
        frame.store(status, answer)
        frame.require(frame.same(status, i32(0)), failed)
        frame.require(frame.same(frame.asked(asks), i32(0)), interrupted)
    frame.builder.ret(i32(0))
    frame.enter(failed)
    with frame.when(frame.differs(record, NULL)):
        for offset in (0, 8):
            frame.store(frame.load(own, offset, I64), record, offset)
    frame.builder.ret(frame.load(answer, 0, I32))
    frame.enter(interrupted)
    frame.builder.ret(i32(INTERRUPTION))


def _work(frame: PoolFunction) -> None:
    """`void work(i32 asks)`: take chunks until there are none; who called asks in between whether the user interrupts.

    Chunks are taken in order, so when one fails all before it have been taken, and will tell whether they fail, too.
    """
    (asks,) = frame.function.args
    b = frame.builder
    body, context = frame.load(frame.pool, BODY), frame.load(frame.pool, CONTEXT)
    count = frame.load(frame.pool, COUNT, I64)
    record = frame.fresh_record(frame.at(frame.pool, STOP))
    take, done = frame.block("take"), frame.block("done")
    answer = frame.variable(i64(0))
    frame.go(take)
    frame.enter(take)
    k = frame.change("add", NEXT, 1)
    frame.unless(b.icmp_signed(">=", k, count), done)
    frame.store(frame.run_chunk(body, context, k, record), answer)
    with frame.when(b.and_(frame.same(frame.load(answer, 0, I32), i32(0)), frame.differs(asks, i32(0)))):
        with frame.when(frame.differs(frame.asked(INTERRUPTED), i32(0))):
            frame.store(i32(INTERRUPTION), answer)
    status = frame.load(answer, 0, I32)
    with frame.when(frame.differs(status, i32(0))):
        frame.put(count, NEXT)
        with frame.when(b.icmp_signed("<", status, i32(0))):
            frame.put(i64(1), STOP)
        with frame.locked(), frame.when(b.icmp_signed("<", k, frame.load(frame.pool, FAILED, I64))):
            frame.store(k, frame.pool, FAILED)
            frame.store(b.sext(status, I64), frame.pool, STATUS)
            for n, offset in enumerate((INDEX, EXTENT)):
                frame.store(frame.load(record, 8 * n, I64), frame.pool, offset)
    frame.go(take)
    frame.enter(done)
    b.ret_void()


def _helper(frame: PoolFunction) -> None:
    """`ptr helper(ptr)`: the life of a helper."""
    b = frame.builder
    begin, enter = frame.block("begin"), frame.block("enter")
    frame.go(begin)
    frame.enter(begin)
    spin(frame, lambda: frame.is_open(frame.look(GATE)))
    gate = frame.look(GATE)
    with frame.when(b.not_(frame.is_open(gate))), frame.locked():
        frame.change("add", SLEEPERS, 1)
        frame.wait(WAKE, lambda: frame.is_open(frame.look(GATE)))
        frame.change("sub", SLEEPERS, 1)
    gate = frame.look(GATE)
    frame.require(frame.is_open(gate), begin)
    b.cbranch(frame.exchange(GATE, gate, b.add(gate, i64(1 - TICKET))), enter, begin)
    frame.enter(enter)
    frame.call_pool("work", i32(0))
    left = b.sub(frame.change("sub", GATE, 1), i64(1))
    is_last = b.and_(frame.is_left(left), b.icmp_signed("<", left, i64(OPEN)))
    with frame.when(is_last), frame.locked():
        frame.library("pthread_cond_broadcast", frame.at(frame.pool, DONE))
    frame.go(begin)


def _grow(frame: PoolFunction) -> None:
    """`void grow(i64 helpers)`: have so many helpers, or as many as the system allows. They are born with all signals
    blocked, so that those go to Python's threads."""
    (wanted,) = frame.function.args
    b = frame.builder
    enough, done = frame.block("enough"), frame.block("done")
    frame.unless(b.icmp_signed(">=", frame.load(frame.pool, HELPERS, I64), wanted), enough)
    every, before, thread = (frame.cell(128, 8) for _ in range(3))
    frame.library("sigfillset", every)
    frame.library("pthread_sigmask", i32(SET_MASK), every, before)
    more = frame.block("more")
    frame.go(more)
    frame.enter(more)
    failed = frame.library("pthread_create", thread, NULL, frame.module.defined("gradjit.pool.helper"), NULL)
    frame.require(frame.same(failed, i32(0)), done)
    now = b.add(frame.load(frame.pool, HELPERS, I64), i64(1))
    frame.store(now, frame.pool, HELPERS)
    b.cbranch(b.icmp_signed("<", now, wanted), more, done)
    frame.enter(done)
    frame.library("pthread_sigmask", i32(SET_MASK), before, NULL)
    frame.go(enough)
    frame.enter(enough)
    b.ret_void()


def _is_ours(frame: PoolFunction) -> None:
    """`i32 is_ours()`: whether the pool belongs to this process. In a forked child it is made anew; a thread that comes
    while another one does that has no pool."""
    b = frame.builder
    yes, other, anew, no = (frame.block(name) for name in ("yes", "other", "anew", "no"))
    pid = b.zext(frame.library("getpid"), I64)
    was = frame.look(PID)
    b.cbranch(frame.same(was, pid), yes, other)
    frame.enter(other)
    frame.require(frame.differs(was, i64(-1)), no)
    b.cbranch(frame.exchange(PID, was, i64(-1)), anew, no)
    frame.enter(anew)
    for offset in (HELPERS, BUSY, SLEEPERS, GATE, NEXT):
        frame.put(i64(0), offset)
    frame.library("pthread_mutex_init", frame.at(frame.pool, LOCK), NULL)
    for offset in (WAKE, DONE):
        frame.library("pthread_cond_init", frame.at(frame.pool, offset), NULL)
    frame.put(pid, PID)
    frame.go(yes)
    frame.enter(yes)
    b.ret(i32(1))
    frame.enter(no)
    b.ret(i32(0))


SET_MASK = int(getattr(signal, "SIG_SETMASK", 0))
HAS_THREADS = os.name == "posix"
"""Elsewhere one thread runs the chunks."""

# Each calls those before it.
EMITTERS = {
    "alone": (_alone, "i", "ppnpp"), "work": (_work, "v", "i"), "helper": (_helper, "p", "p"),
    "grow": (_grow, "v", "n"), "is_ours": (_is_ours, "i", ""), "parallel": (_parallel, "i", "ppnpp"),
}
WITHOUT_THREADS = ("alone", "parallel")


# in this process ------------------------------------------------------------------------------------------------------
@functools.cache
def words() -> int:
    """The address of this process's pool, on lines of its own."""
    block = _raw_calloc(POOL_BYTES + 128, 1)
    if not block:
        raise MemoryError
    return int(-(-block // 128) * 128)


_raw_calloc = ctypes.pythonapi["PyMem_RawCalloc"]
_raw_calloc.restype, _raw_calloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t, ctypes.c_size_t]


def threads() -> int:
    """How many threads are allowed; 0 as long as nobody has said."""
    return cpython.word_at(words() + THREADS)


def allow(n: int) -> None:
    """Allow so many threads, from the next parallel loop on."""
    ctypes.c_int64.from_address(words() + THREADS).value = n


@functools.cache
def limit_word(n: int) -> int:
    """The address of a word that holds n, for ever: kernels are linked to it."""
    word = _raw_calloc(1, 8)
    if not word:
        raise MemoryError
    ctypes.c_int64.from_address(word).value = n
    return int(word)


@functools.cache
def address() -> int:
    """The address of `parallel`."""
    code = pool_code()
    found = {POOL: words(), INTERRUPTED: support.addresses()[INTERRUPTED]}
    if HAS_THREADS:
        library = ctypes.CDLL(None)
        found |= {name: ctypes.cast(library[name], ctypes.c_void_p).value or 0 for name in LIBRARY}
    loaded = jit.load_objects([code], found)
    _kept.append(loaded)
    return loaded.addresses["gradjit.pool.parallel"]


_kept: list[object] = []  # never freed: helpers run it to the end


def pool_code() -> jit.ObjectCode:
    """The pool's code, from disk or made now."""
    store = disk_cache.current()
    data = store.get(disk_cache.key_of("pool")) if store is not None else None
    try:
        if data is not None:
            return parted(data)[1][0]
    except (ValueError, IndexError):
        pass
    module = llvm.Module("gradjit.pool")
    for name in EMITTERS if HAS_THREADS else WITHOUT_THREADS:
        emit, result, parameters = EMITTERS[name]
        frame = PoolFunction(module, f"gradjit.pool.{name}", result, parameters)
        emit(frame)
        frame.finish()
    code = jit.emit_object(module, pipeline="glue", exports=("gradjit.pool.parallel",))
    if store is not None:
        store.put(disk_cache.key_of("pool"), joined({}, [code]))
    return code


__all__ = ["MAX_THREADS", "address", "allow", "limit_word", "threads"]
