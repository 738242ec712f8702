"""The callable that `jit`, `grad` and the others return.

A call whose arguments are arrays and numbers, or containers of them, goes to machine code at once
(`runtime.FastCallable`). Everything else comes to `Compiled.answer`: keywords are brought into one form, arrays in an
unusual layout are packed; then the specialisations for this structure are tried; and if none takes the call, it is
traced and compiled.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Any

from ..errors import TraceError
from ..ir import Func, is_loop, verify, walk
from ..ir.size_conditions import Opening, opening
from ..ir.sizes import MustAgree, NotOpen
from ..passes import Dumper, optimize
from ..passes.vjp.tape_report import tape_entries
from ..probe import named_like, parameters_of, text
from ..processes import Lock, uncollected
from ..records import dataclass
from ..runtime import artefact, signature
from ..runtime.call_convention import MISS
from ..runtime.callable import MAX_CHAIN, FastCallable
from ..tracer import trees
from ..tracer.calls import call as traced_call
from ..tracer.guards import Condition, Guard, HeldItems, Repeated, Snapshot, all_hold
from ..tracer.locations import fail, raised_at
from ..tracer.recorder import recorders, running_recorders
from ..tracer.state import Kept, changed_numbers
from ..tracer.trace import Trace, parameter_names, trace, world_of
from . import backends
from .backends import Executable, TracedProgram
from .canonical_call import CanonicalCall, check_touched, check_writes, may_write, passes_twice
from .declared import DeclaredSignature as Declared
from .options import USUAL, Options, config
from .recording_arguments import recording_among
from .settings import checking, verifying
from .signatures import Signature
from .sizes import Attempt, Axis, Closed, Sizes, shapes
from .stateful import Stateful
from .stats import Specialised, Stats
from .tiers import Tiered
from .tracebacks import trimmed

if TYPE_CHECKING:
    from .native_functions import NativeFunction

MAX_SPECIALISATIONS = 256
"""How many a function keeps; beyond that the oldest goes. Guards on numbers that change at every call end here."""

MAX_STATES = 256
"""How many places outside a function may change. One that changes others in each trace never ends."""

ATTEMPTS = 3
"""How often a function whose surroundings change meanwhile is traced."""

@dataclass
class Specialisation:
    """One compiled form of a function."""

    executable: Executable
    program: TracedProgram
    stages: dict[str, Func]
    seconds: dict[str, float]
    arguments: str
    flat: bool
    """Whether its leaves are the positional arguments themselves, so that machine code can take the call directly."""
    is_open: bool = False
    """Whether extents are left open."""
    conditions: list[str] = field(default_factory=list)
    """What a call must meet, in the user's words."""

    def text(self, stage: str) -> str:
        if stage in self.stages:
            return str(self.stages[stage])
        return self.executable.text(stage)


STAGES = ("traced", "adjoint", "optimized", "buffers", "loops", "llvm", "asm")


@dataclass
class _Timer:
    """Seconds by the name of the step that just ended."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def note(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now

    def resumed(self) -> Callable[[str], None]:
        """`note`, where work goes on after a while that does not count."""
        self.last = time.perf_counter()
        return self.note


@dataclass(frozen=True)
class Recipe:
    """How a user makes such a function: `gj.<kind>(function, **keywords)`."""

    function: Callable[..., Any]
    keywords: dict[str, Any] = field(default_factory=dict)


class Compiled(FastCallable):
    """A function that is compiled when it is called with arguments of new types, shapes or static values.

    `ir`, `stats` and `clear_cache` look inside. While another function is being traced, a call is traced into that.
    """

    def __init__(self, body: Callable[..., Any], like: Callable[..., Any], name: str, options: Options = USUAL,
                 recipe: Recipe | None = None):
        super().__init__(self.answer)
        named_like(self, like)
        self.body = body
        self.like = like
        self.kind = name
        self.options = options
        self.recipe = recipe
        self.signature = Signature(like)
        self.lock = Lock()
        self.found: dict[Any, tuple[Specialisation, ...]] = {}
        self.latest: Specialisation | None = None
        self.sizes = Sizes(options.sizes or config.sizes)
        self.declared = Declared(options.signature) if options.signature is not None else None
        self.stateful: Stateful | None = None
        """What it is where it changes what stands outside of it."""
        self.native: dict[tuple[str, ...], NativeFunction] = {}
        self.is_internal = False
        """Whether it is such a function's own."""

    def __repr__(self) -> str:
        return f"<gradjit {self.kind} of {text(self.like, '__qualname__', type(self.like).__name__)}>"

    def __copy__(self) -> Compiled:
        return self

    def __deepcopy__(self, memo: Any) -> Compiled:
        return self

    def __reduce__(self) -> Any:
        """By name where it has one, else as its function and the code that it has by now."""
        if name := importable_name(self):
            return name
        if self.recipe is None:
            raise TypeError(f"{self!r} cannot be pickled: it belongs to a call of gj.{self.kind}; pickle the function")
        keywords = {**self.recipe.keywords, **self.options.asked()}
        return restored, (self.kind, self.recipe.function, keywords, self.portable(), self.sizes.learnt())

    def portable(self) -> list[tuple[str, bytes]]:
        """The kernels that were compiled so far, for another process."""
        kernels = [s.executable.portable(s.program) for every in list(self.found.values()) for s in every]
        return [k for k in kernels if k is not None]

    # calls ----------------------------------------------------------------------------------------------------------
    def inline_while_tracing(self, *args: Any, **kwargs: Any) -> Any:
        """The call, as part of the trace that is open: as if the plain function stood there."""
        with checking_as(self.options.check):
            if self.body is not self.like:  # gradjit's own: it traces the user's function itself
                return self.body(*args, **kwargs)
            world_of(recorders()[-1], self.like)
            return traced_call(self.like, *args, **kwargs)

    def answer(self, /, *args: Any, **kwargs: Any) -> Any:
        """A call that machine code did not take."""
        if running_recorders():
            return self.inline_while_tracing(*args, **kwargs)
        if kwargs:
            args, kwargs = self.signature.positional(args, kwargs)
            if not kwargs:
                return self(*args)
        if self.stateful is not None:
            return self.with_state(args, kwargs)
        try:
            call = CanonicalCall.of(args, kwargs)
        except Exception as e:
            raise trimmed(e)  # noqa: B904
        if (result := self.try_all(call)) is not MISS:
            return result
        if (recording := recording_among(call.leaves)) is not None:
            return recording.__gradjit_record__(self.inline_while_tracing, args, kwargs)
        try:
            return self.first_call(call)
        except Kept as e:
            if e.state is None or self.is_internal:
                raise trimmed(e)  # noqa: B904
            self.carry(e)
        except Exception as e:
            raise trimmed(e)  # noqa: B904 (it is the same exception)
        return self.with_state(args, kwargs)

    # state ----------------------------------------------------------------------------------------------------------
    def carry(self, e: Kept) -> None:
        """One more place outside that the function changes at each call. TraceError for a list that nobody but the one
        who wants to see it looks at, where it would stay empty."""
        state = e.state
        assert state is not None
        states = [*(self.stateful.states if self.stateful is not None else ()), state]
        keeps = self.body is self.like  # what computes derivatives leaves all as it was
        if state.appends and state.name and not keeps:
            fail(TraceError, f"the function appends a traced value to the list {state.name}, outside of the function: "
                             f"what computes derivatives leaves no trace outside, and the list would stay as it is; "
                             f"return the value (has_aux=True), or print it by gj.debug_print", raised_at(e))
        self.stateful = Stateful(states, self.body, keeps, self.inner)
        self.miss = self.answer_with_state

    def inner(self, body: Callable[..., Any]) -> Compiled:
        """What carries the states as arguments."""
        made = Compiled(body, self.like, self.kind, self.options)
        made.is_internal = True
        return made

    def answer_with_state(self, /, *args: Any, **kwargs: Any) -> Any:
        """A call of a function that is known to change what stands outside."""
        if kwargs or running_recorders():
            return self.answer(*args, **kwargs)
        return self.with_state(args, kwargs)

    def with_state(self, args: Any, kwargs: Any) -> Any:
        """A call of a function that changes what stands outside."""
        while True:
            assert self.stateful is not None
            try:
                return self.stateful(*args, **kwargs)
            except Kept as e:
                known = self.stateful.states
                if e.state is None or len(known) >= MAX_STATES or any(e.state.is_same(s) for s in known):
                    raise trimmed(e)  # noqa: B904
                self.carry(e)

    def try_all(self, call: CanonicalCall) -> Any:
        """The result of the first specialisation that takes the call, or MISS."""
        for s in self.found.get(call.key, ()):
            result = call.run(s.executable, s.program)
            if result is not MISS:
                self.prefer(s, call)
                return result
        return MISS

    def first_call(self, call: CanonicalCall) -> Any:
        """Compile and run. What is captured may change in between (another thread's doing): then once more."""
        if self.declared is not None:
            names = trees.leaf_names(call.tree, parameter_names(self.like, len(call.args)))
            self.declared.check(repr(self), call.tree, call.leaves, names)
            self.sizes.declare(call, self.declared.names())
        for _ in range(ATTEMPTS):
            s = self.compiled(call)
            result = call.run(s.executable, s.program)
            if result is not MISS:
                self.prefer(s, call)
                return result
        raise TraceError(f"{self!r}: what the function reads from outside changes faster than it can be compiled")

    def prepare(self, *args: Any) -> None:
        """Compile for arguments like these, unless there is code for such types already. Nothing runs."""
        call = CanonicalCall.of(args, {})
        if call.key not in self.found:
            self.prefer(self.compiled(call), call)

    def prefer(self, s: Specialisation, call: CanonicalCall) -> None:
        """A specialisation that took a call should get the next one straight from machine code: with the first to be
        asked where its leaves are the arguments themselves, and by the signature of the call."""
        entry = s.executable.entry
        if entry is None:
            return
        if s.flat and len(self.entries) < MAX_CHAIN:
            if entry not in self.entries:
                self.install(entry)
                self.put_exact_first(s, call)
        elif not call.kwargs and not call.is_packed and not s.program.trace.rebindings:
            found = trees.in_order(call.args)
            if found is not None:
                signature.dataclasses.update(trees.dataclasses_in(call.tree))
                self.install_indexed(entry, call.args, *found, any_size=s.is_open)

    def put_exact_first(self, new: Specialisation, call: CanonicalCall) -> None:
        """Those that are for one size are asked before one with open extents: what has been answered by one is
        answered by it again, to the bit."""
        entries = [s.executable.entry for s in self.found.get(call.key, ()) if new.is_open and not s.is_open]
        for entry in entries[::-1]:
            if entry is not None and entry in self.entries:
                self.install(entry)

    def compiled(self, call: CanonicalCall) -> Specialisation:
        """The specialisation for a call, made now unless another thread has made it meanwhile."""
        with self.lock:
            for s in self.found.get(call.key, ()):
                if backends.would_take(s.program, call.leaves) and may_write(s.program, call.given):
                    return s
            with uncollected():
                s = self.specialise(call)
            others = [(t, o) for t, all in self.found.items() for o in all]
            if len(others) >= MAX_SPECIALISATIONS:
                self.drop(*others[0])
            known = self.found.get(call.key, ())
            exact = [o for o in known if not o.is_open] if s.is_open else []
            self.found[call.key] = (*exact, s, *(o for o in known if o not in exact))
            self.latest = s
            return s

    def drop(self, key: Any, s: Specialisation) -> None:
        self.found[key] = tuple(o for o in self.found[key] if o is not s)
        if s.executable.entry is not None:
            self.uninstall(s.executable.entry)

    # compilation ----------------------------------------------------------------------------------------------------
    def specialise(self, call: CanonicalCall) -> Specialisation:
        """The specialisation for a call: with open extents where other calls have had others, and else, or where that
        cannot be, for its sizes."""
        self.sizes.note(call)
        refusals: list[tuple[list[Axis], Closed]] = []
        while axes := [a for a in self.sizes.axes(call) if not any(a in closed for closed, _ in refusals)]:
            made = self.opened(call, axes)
            if isinstance(made, Specialisation):
                break
            refusals.append(made)
        else:
            made = self.built(call)
        for closed, why in refusals:  # the program is one that can be compiled
            self.sizes.close(call, closed, why)
        return made

    def opened(self, call: CanonicalCall, axes: Sequence[Axis]) -> Specialisation | tuple[list[Axis], Closed]:
        """The specialisation with some extents open; or which of them cannot be, and why."""
        for example in self.sizes.examples(call, axes):
            attempt = Attempt(self.like, call, axes, example, self.sizes.family(call))
            try:
                made = self.attempted(call, attempt)
            except (NotOpen, Exception) as e:
                if example != shapes(call):
                    continue  # the other sizes may be such as the function does not take
                united = attempt.united(e)
                if not united.agreed:
                    return attempt.refused(e)
                try:
                    made = self.attempted(call, united)
                except (NotOpen, Exception):  # not for this reason
                    return attempt.refused(e)
                attempt = united
            if made is None:
                if example == shapes(call):
                    return list(axes), Closed(" and ".join(d.words for d in attempt.dims), attempt.agreed[-1][0]
                                        if attempt.agreed else "it is known", None)
                continue
            if attempt.takes(tuple(made.program.opening.conditions)):
                self.sizes.family(call).compiled.append(frozenset(axes))
                return made
        raise AssertionError("a specialisation that does not take the call that it was made for")

    def attempted(self, call: CanonicalCall, attempt: Attempt) -> Specialisation | None:
        """One compilation with open extents: begun anew where two of them turn out to be one. None where none is
        left."""
        while attempt.shapes:
            try:
                return self.built(call, attempt)
            except MustAgree as e:
                attempt.agree(e)
        return None

    def built(self, call: CanonicalCall, attempt: Attempt | None = None) -> Specialisation:
        """Trace, transform, optimise, compile. Nothing is kept if any of it fails."""
        with opening(Opening()) as o:
            return self.made(call, o, attempt.shapes if attempt else {}, attempt)

    def made(self, call: CanonicalCall, o: Opening, open_shapes: dict[int, tuple[int, ...]], attempt: Attempt | None
                ) -> Specialisation:
        timer = _Timer()
        leaves = call.leaves
        args, kwargs = trees.unflatten(call.tree, call.as_traced())
        t = self.traced(args, kwargs, shapes=open_shapes)
        if (t.writes or t.touched) and passes_twice(leaves):
            t = self.traced(args, kwargs, sharing=True, shapes=open_shapes)
        check_writes(t, call)
        check_touched(t, call)
        timer.note("trace")
        dump = Dumper.from_environment()
        stages = {"traced": t.stages.get("traced", t.func), "adjoint": t.func}
        program = backends.program_of(t, leaves, o)
        for name, func in stages.items():
            if dump:
                dump(name, func)
            if verifying():
                verify(func)
        timer.note("prepare")
        passes: dict[str, float] = {}
        program.func = stages["optimized"] = optimize(t.func, timings=passes, dump=dump)
        timer.note("passes")
        tier = self.options.tier or config.tier
        if self.options.backend == "interpreter":
            executable: Executable = backends.Interpreted(program)
        elif tier == "interpret" and not has_loops(program.func) and attempt is None:
            executable = Tiered.interpreted(program, timer.resumed, config.interpreted_calls, self.options.threads)
        else:
            code = backends.code_of(program, timer.note, tier == "quick")
            if code.kernel.unfinished:
                executable = Tiered.quick(program, code, timer.resumed, self.options.threads)
            else:
                executable = backends.native(program, code, self.options.threads)
            timer.note("entry")
            passes |= code.seconds
            if dump:
                dump.text("llvm", t.func.name, backends.text_of(code, "llvm"), "ll")
        timer.seconds.update({f"pass {k}": v for k, v in passes.items()})
        flat = not kwargs and len(leaves) == len(args) and all(x is y for x, y in zip(args, leaves, strict=True))
        agreed = [words for words, _ in attempt.agreed] if attempt else []
        return Specialisation(executable, program, stages, timer.seconds, describe(t), flat, attempt is not None,
                              [*agreed, *(c.words for c in o.needed() if not c.is_preference)])

    def traced(self, args: Any, kwargs: Any, sharing: bool = False,
               shapes: dict[int, tuple[int, ...]] | None = None) -> Trace:
        """The trace. A function that fills a memo while it is traced is traced again, and then finds it filled.

        TraceError for one that changes, each time, what it reads from outside: a counter, a list that it appends to.
        """
        first: Trace | None = None
        for _ in range(ATTEMPTS):
            t = trace(self.body, args, kwargs, self.like, sharing=sharing, rebinding=True,
                      checking=checking() if self.options.check is None else self.options.check, shapes=shapes)
            if t.holds():
                return t
            first = first or t
        assert first is not None
        if (state := changed_numbers(first.guards)) is not None:
            raise Kept("a number from outside changes at each call", state)
        changed = next(g for g in t.guards if not all_hold([g]))
        fail(TraceError, f"{t.func.name} changes {what(changed)} and reads it, too; a compiled function runs its "
                         f"Python code only once, so it must not change things outside: return the new value", t.loc)

    def compile(self, *types: str) -> Compiled:
        """Compile for arguments of these types, without any: `f.compile("f64[n,3]", "f64[n]")`. Extents that are named
        are open; those of one name are equal. Gives the function itself.

        Raises ArgumentError for types that cannot be read, and what a call with such arguments would.
        """
        declared = Declared(", ".join(types))
        call = CanonicalCall.of(declared.samples(), {})
        self.sizes.declare(call, declared.names())
        s = self.compiled(call)
        if isinstance(s.executable, Tiered):
            s.executable.best()
        self.prefer(s, call)
        return self

    # callers other than Python ----------------------------------------------------------------------------------------
    def cfunc(self, *types: str) -> NativeFunction:
        """The C function for arguments of these types, or of the declared signature: see `gj.cfunc`."""
        from .native_functions import cfunc
        made = self.native.get(types)
        if made is None:
            made = self.native[types] = cfunc(self, *types)
        return made

    @property
    def address(self) -> int:
        """Of the C function for the declared signature: `gj.grad(f, signature="f64[n]").address`. AttributeError
        without one: those who look at all attributes of an object go on."""
        if self.declared is None:
            raise AttributeError(f"{self!r} needs a signature to have an address: gj.{self.kind}(f, "
                                 f"signature=\"f64[n]\"); or ask for gj.cfunc(f, \"f64[n]\").address")
        return self.cfunc().address

    @property
    def _numba_type_(self) -> Any:
        """What Numba sees where a function that it compiles calls this one."""
        from .numba_calls import numba_type
        return numba_type(self)

    # looking inside ---------------------------------------------------------------------------------------------------
    def ir(self, *args: Any, stage: str = "optimized", **kwargs: Any) -> str:
        """The program at a stage, as text: "traced", "adjoint", "optimized" (array IR, each operation with the user's
        file and line), "buffers" (the same, with the memory of each array), "loops", "llvm" or "asm".

        With arguments: of the specialisation for them, compiled if need be (nothing is run). Without: of the latest
        one. Raises ValueError for another stage, TraceError if nothing has been compiled yet.
        """
        if stage not in STAGES:
            raise ValueError(f"stage={stage!r}; there are {', '.join(STAGES)}")
        return self.specialisation(args, kwargs).text(stage)

    def specialisation(self, args: Any, kwargs: Any) -> Specialisation:
        if not args and not kwargs and (self.latest is not None or self.needs_arguments()):
            if self.latest is None:
                raise TraceError(f"{self!r} has not been compiled yet; pass arguments to say for which types and "
                                 f"shapes, as in "
                                 f"f.ir(x), or call it first")
            return self.latest
        return self.compiled(CanonicalCall.of(*self.signature.positional(args, kwargs)))

    def needs_arguments(self) -> bool:
        parameters = parameters_of(self.like)
        return parameters is None or any(
            p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)

    def stats(self) -> Stats:
        """What was compiled, how long each step took, hits and misses, workspace bytes; how loops were compiled, and
        what they keep for the reverse pass, by the user's lines."""
        every = [s for specialisations in list(self.found.values()) for s in specialisations]
        return Stats(repr(self), self.misses, [
            Specialised(s.arguments, s.executable.hits, s.executable.workspace_bytes, dict(s.seconds),
                        len(s.stages["traced"].ops), len(s.stages["adjoint"].ops), len(s.stages["optimized"].ops),
                        tape_entries(s.stages["optimized"]), dict(s.program.trace.loops), s.executable.origin,
                        list(s.conditions), list(s.executable.cores))
            for s in every], [str(c) for c in self.sizes.closed()])

    def clear_cache(self) -> None:
        """Forget all specialisations."""
        with self.lock:
            self.clear()
            self.found, self.latest = {}, None
            self.sizes = Sizes(self.sizes.policy)


def restored(kind: str, function: Callable[..., Any], keywords: dict[str, Any], code: list[tuple[str, bytes]],
             opened: dict[str, list[Axis]]) -> Compiled:
    """A compiled function that was pickled, with what had been learnt from its calls."""
    from . import functions
    artefact.receive(code)
    made: Compiled = getattr(functions, kind)(function, **keywords)
    made.sizes.recalled = opened
    return made


def importable_name(f: Any) -> str | None:
    """The name within its module by which another process finds this very object."""
    name = text(f, "__qualname__", "")
    found: Any = sys.modules.get(text(f, "__module__", ""))
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is f else None


def has_loops(func: Func) -> bool:
    """Whether something in it runs more than once."""
    return any(is_loop(op) for op in walk(func.body))


@contextmanager
def checking_as(check: bool | None) -> Iterator[None]:
    """A function that says itself whether its assertions are carried out, called by one that says otherwise."""
    r = recorders()[-1]
    before = r.checking
    r.checking = before if check is None else check
    try:
        yield
    finally:
        r.checking = before


def what(g: Condition) -> str:
    """What a guard watches, for people."""
    if isinstance(g, Guard):
        name = g.source.name or g.source.label
        if g.source.kind in ("item", "cell"):
            kind = {"item": "the name", "cell": "a variable of an enclosing function"}[g.source.kind]
            return f"{kind} {name}".rstrip()
        return f"the class of {g.source.owner!r:.60}" if g.source.kind == "type" else f"the attribute {name}"
    if isinstance(g, HeldItems):
        return f"the {type(g.container).__name__} {g.container!r:.60}"
    if isinstance(g, Snapshot):
        return f"the {type(g.owner).__name__} {g.owner!r:.60}"
    if isinstance(g, Repeated):
        return f"what {text(g.function, '__qualname__', 'a call')}() gives"
    return "an array"


def describe(t: Trace) -> str:
    """The arguments of a specialisation, for people: `x: f64[1000], n=3`."""
    return ", ".join(f"{leaf.name}: {leaf.type}" if leaf.type is not None else f"{leaf.name}={leaf.value!r:.40}"
                     for leaf in t.leaves)

