"""What runs a specialisation: machine code behind a C-level entry, or the interpreter when it is asked for."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..ir import Func, Value, interpret
from ..ir.size_conditions import Opening, solved
from ..ir.sizes import Dim, guess, is_open
from ..passes.planes import as_planes, from_planes, layout_in_memory
from ..records import dataclass
from ..runtime import artefact, cpython
from ..runtime.call_convention import MISS
from ..runtime.entry_spec import (
    ABSENT,
    ANY as ANY_ITEM,
    Argument,
    ArraySpec,
    AttributeGuard,
    AttributeRef,
    Build,
    Capture,
    CapturedResult,
    CellGuard,
    CellRef,
    ComplexSpec,
    Constant,
    DictGuard,
    EntrySpec,
    FieldGuard,
    FloatSpec,
    GlobalGuard,
    Guard,
    ItemRef,
    ListGuard,
    MethodGuard,
    NumpyScalarSpec,
    OpaqueGuard,
    OutputSpec,
    ParameterSpec,
    SameSpec,
    Source,
    StaticSpec,
    ValueSpec,
    is_passed,
    same_static,
)
from ..runtime.externals import PREFIX
from ..runtime.items import by_versions, unchanged
from ..runtime.kernel import BoundKernel, at
from ..tracer import guards, trees
from ..tracer.array import ARRAY
from ..tracer.trace import ArgumentLeaf, Trace, Write
from .computed_results import FrontPart, in_full_size

if TYPE_CHECKING:
    from ..codegen import CoresEntry
    from ..runtime.artefact import MadeKernel
    from ..runtime.entry import Entry
    from ..runtime.jit import MachineCode


class Executable(Protocol):
    """One specialisation, ready to run."""

    @property
    def call(self) -> Callable[..., Any]:
        """`call(*leaves)`: the result, or MISS if the leaves or the world outside are not those it was made for."""

    @property
    def hits(self) -> int:
        """How many calls it has answered."""

    @property
    def workspace_bytes(self) -> int:
        """The memory that a call needs besides its results."""

    @property
    def entry(self) -> Entry | None:
        """What a FastCallable can run without Python, if there is one."""

    @property
    def origin(self) -> str:
        """Where it came from: "compiled", "disk", "pickle", "interpreter"."""

    @property
    def cores(self) -> tuple[CoresEntry, ...]:
        """Which of its long loops run on all cores."""

    def text(self, stage: str) -> str:
        """The program as "buffers", "loops", "llvm" or "asm". ValueError where there is no such stage."""

    def portable(self, p: TracedProgram) -> tuple[str, bytes] | None:
        """Its code, for another process; None where there is none, or it belongs to this process."""


@dataclass
class TracedProgram:
    """A traced function as it is compiled: the IR, what it returns, and what it takes."""

    func: Func
    result: Any
    outputs: tuple[OutputSpec, ...]
    parameters: tuple[ParameterSpec, ...]
    captured: tuple[Capture, ...]
    guards: tuple[Guard, ...]
    writes: tuple[tuple[Argument | CapturedResult, int], ...]
    """Arrays from outside that are changed, each with the output that it is to hold."""
    trace: Trace
    opening: Opening

    def captured_now(self) -> list[Any]:
        """What the captured sources give now."""
        every = (*self.trace.captured, *self.trace.observed)
        return [c.source.read() if c.source is not None else c.array for c in every]


# from a trace to a program ------------------------------------------------------------------------------------------
def program_of(t: Trace, leaves: Sequence[Any], opening: Opening) -> TracedProgram:
    """What to compile for a trace of a call with these leaves. An argument that is returned as such is no output; the
    new contents of arrays that are written to are outputs behind those of the result."""
    kept = [r.index for r in t.result if r.index is not None and not is_passed_on(r)]
    order = list(dict.fromkeys(kept))
    kinds = {r.index: r.kind for r in t.result if r.index is not None}
    nodes = [result_node(t, r, order) for r in t.result]
    func = t.func
    results, computed = in_full_size(func, [func.body.results[k] for k in order])
    counts = list(dict.fromkeys(e for extents in computed for _, e in extents))
    nodes = [front_part(node, computed, counts, len(order) + len(t.writes)) for node in nodes]
    func.body.results = (*results, *(w.value for w in t.writes if w.value is not None), *counts)
    forms = ["array" if kinds[k] == ARRAY else "numpy" for k in order] + ["array"] * len(t.writes) + (
        ["numpy"] * len(counts))
    outputs = tuple(OutputSpec(v.dtype.np, v.type.extents, form)
                    for v, form in zip(func.body.results, forms, strict=True))
    targets = [write_target(t, w) for w in t.writes]
    apart = {w.argument for w in t.touched}
    scratch = [w.captured for w in t.touched if w.captured is not None]
    parameters = tuple(parameter_spec(leaf, x, Argument(k) in targets, k in apart)
                       for k, (leaf, x) in enumerate(zip(t.leaves, leaves, strict=True)))
    captured = tuple(Capture(source_of(c.source) if c.source is not None else c.array,
                             ArraySpec.of(c.array, writable=CapturedResult(k) in targets,
                                          apart=any(c is s for s in scratch)),
                             is_passed=k < len(t.captured))
                     for k, c in enumerate((*t.captured, *t.observed)))
    writes = tuple((target, len(order) + k) for k, target in enumerate(targets))
    return TracedProgram(func, result_template(t.result_tree, nodes), outputs, parameters, captured, divided(t.guards),
                   writes, t, opening)


def front_part(node: Any, computed: Sequence[Sequence[tuple[int, Value]]], counts: Sequence[Value], first: int) -> Any:
    """How a result is made of its output, and of the outputs that tell its computed extents, which begin at `first`."""
    if type(node) is not int or not computed[node]:
        return node
    return Build(FrontPart(tuple(k for k, _ in computed[node])),
                 (node, *(first + counts.index(e) for _, e in computed[node])))


def write_target(t: Trace, w: Write) -> Argument | CapturedResult:
    """The array that is written to, as an entry names it."""
    if w.argument is not None:
        return Argument(w.argument)
    assert w.captured is not None
    return CapturedResult(position(t, w.captured))


def position(t: Trace, captured: Any) -> int:
    """Which of the captured arrays it is."""
    return next(k for k, c in enumerate(t.captured) if c is captured)


MAX_ITEMS, MAX_GUARDS = 32, 256
"""Containers of more items, and guards beyond that many items in all, are checked by Python before each call: machine
code has a comparison for each, and takes long to compile."""


def divided(every: Sequence[guards.Condition]) -> tuple[Guard, ...]:
    """The guards in the entry's terms: those that machine code checks, and one that asks Python for all others."""
    found: list[Guard] = []
    dicts = [g for g in every if isinstance(g, guards.HeldItems) and type(g.container) is dict]
    are_many = len(dicts) > MAX_ITEMS
    others: list[guards.Condition] = by_versions(dicts) if are_many else []
    room = MAX_GUARDS
    for g in every:
        if are_many and isinstance(g, guards.HeldItems) and type(g.container) is dict:
            continue
        items = len(g.items) if isinstance(g, guards.HeldItems) else 1
        made = guard_of(g) if items <= min(MAX_ITEMS, room) else None
        if made is None:
            others.append(by_words(g))
        else:
            found.append(made)
            room -= items
    return (*found, OpaqueGuard(guards.Together(others))) if others else tuple(found)


def by_words(g: guards.Condition) -> guards.Condition:
    """A guard that Python checks, faster where it is of a list."""
    if isinstance(g, guards.HeldItems) and type(g.container) is list and not any(x is guards.ANY for x in g.items):
        return unchanged(g.container, g.items) or g
    return g


def is_passed_on(r: Any) -> bool:
    return r.argument is not None or r.captured is not None


def result_node(t: Trace, r: Any, order: Sequence[int]) -> Any:
    if r.index is None:
        return Constant(r.value)
    if r.argument is not None:
        return Argument(r.argument)
    if r.captured is not None:
        return CapturedResult(position(t, r.captured))
    return order.index(r.index)


def result_template(tree: trees.Tree, nodes: list[Any]) -> Any:
    """The result as an EntrySpec describes it. Plain containers are built by machine code, others by optree."""
    if tree.is_leaf():
        return nodes[0]
    if all(node in (tuple, list, dict, None) for node in node_types(tree)):
        return trees.unflatten(tree, nodes)
    return Build(lambda *leaves: trees.unflatten(tree, leaves), tuple(nodes))


def node_types(tree: trees.Tree) -> list[Any]:
    """The types of all containers in a tree."""
    if tree.is_leaf():
        return []
    own = None if tree.type is type(None) else tree.type
    return [own, *(t for child in tree.children() for t in node_types(child))]


def parameter_spec(leaf: ArgumentLeaf, x: Any, writable: bool, apart: bool) -> ParameterSpec:
    """What an argument must be to take this specialisation: x itself is one such."""
    if leaf.type is None:
        return StaticSpec(x)
    if leaf.same_as is not None:
        return SameSpec(leaf.same_as)
    if any(map(is_open, leaf.type.shape)):
        return open_spec(x, leaf, writable, apart)
    return value_spec(x, writable, apart)


def open_spec(x: np.ndarray, leaf: ArgumentLeaf, writable: bool, apart: bool) -> ArraySpec:
    """The same for an array with open extents."""
    assert leaf.type is not None
    strides = None if x.flags.c_contiguous else tuple(s * x.itemsize for s in leaf.strides or ())
    return ArraySpec(x.dtype, leaf.type.extents, strides, writable, apart)


def value_spec(x: Any, writable: bool, apart: bool) -> ValueSpec:
    if isinstance(x, np.ndarray):
        return ArraySpec.of(x, writable=writable, apart=apart)
    if isinstance(x, np.generic):
        return NumpyScalarSpec(x.dtype)
    return FloatSpec() if type(x) is float else ComplexSpec()


def source_of(s: guards.Source) -> Source:
    if s.kind == "cell":
        return CellRef(s.owner)
    return AttributeRef(s.owner, s.key) if s.kind == "attribute" else ItemRef(s.owner, s.key)


def guard_of(g: guards.Condition) -> Guard | None:
    """A guard of the tracer's in the entry's terms; None where Python has to be asked."""
    if isinstance(g, guards.HeldItems):
        if isinstance(g.container, dict):
            return DictGuard(g.container, tuple((k, any_or(v)) for k, v in g.items))
        return ListGuard(g.container, tuple(map(any_or, g.items)))
    if not isinstance(g, guards.Guard):
        return None
    s = g.source
    expected: Any = ABSENT if g.expected is guards.ABSENT else g.expected
    by_value = g.by_value and not isinstance(expected, np.generic)
    if g.by_value and not by_value:
        return None
    if s.kind == "type":
        return FieldGuard(s.owner, "type", expected)
    if s.kind == "attribute" and type(s.owner) is types.FunctionType and s.key in FIELDS:
        return FieldGuard(s.owner, FIELDS[s.key], expected)
    if s.kind == "method" and is_ordinary_method(s.owner, s.key) and cpython.has("_PyObject_GetMethod"):
        return MethodGuard(s.owner, s.key, expected)
    if s.kind == "cell":
        return CellGuard(s.owner, expected, by_value)
    if s.kind == "attribute" and expected is not ABSENT and not is_computed(s.owner, s.key):
        return AttributeGuard(s.owner, s.key, expected, by_value)
    if s.kind == "item" and type(s.owner) is dict:
        return GlobalGuard(s.owner, s.key, expected, by_value)
    if s.kind == "item" and type(s.owner) is list and expected is not ABSENT:
        return ListGuard(s.owner, tuple(x if k == s.key else ANY_ITEM for k, x in enumerate(s.owner)))
    return None


FIELDS = {"__code__": "function_code", "__defaults__": "function_defaults", "__kwdefaults__": "function_kwdefaults"}
"""Attributes of functions that stand in the function itself, by their names in CPythonLayout."""


def is_computed(owner: Any, name: str) -> bool:
    """Whether an attribute of a class is more than what stands in the class, whose version tells when that changes: a
    descriptor may give something else, and what Python keeps in the class itself (`__name__`) is no part of it."""
    if type(owner) is not type:
        return False
    held = guards.lookup(owner, name)
    if isinstance(held, classmethod):
        return not isinstance(held.__func__, types.FunctionType)
    return held is guards.ABSENT or (hasattr(type(held), "__get__") and not isinstance(held, METHODS))


METHODS = (types.FunctionType, staticmethod, property)
"""Descriptors that give the same as long as they stand in a class."""


def is_ordinary_method(owner: Any, name: str) -> bool:
    """Whether it is a function in the class of an instance."""
    return not isinstance(owner, type) and type(guards.lookup(type(owner), name)) is types.FunctionType


def any_or(x: Any) -> Any:
    return ANY_ITEM if x is guards.ANY else x


# machine code -------------------------------------------------------------------------------------------------------
class OfKernel:
    """What is known of machine code by the kernel in it."""

    made: MadeKernel

    @property
    def workspace_bytes(self) -> int:
        return int(guess(self.made.kernel.workspace_bytes))

    @property
    def origin(self) -> str:
        return self.made.origin

    @property
    def cores(self) -> tuple[CoresEntry, ...]:
        return self.made.kernel.cores

    def text(self, stage: str) -> str:
        """The program as loop nests, LLVM IR (as emitted), or assembly."""
        return self.code().asm() if stage == "asm" else text_of(self.made, stage)

    def code(self) -> MachineCode:
        raise NotImplementedError

    def portable(self, p: TracedProgram) -> tuple[str, bytes] | None:
        return None if self.made.objects else artefact.portable(p.func, layouts_of(p), self.made.kernel, p.opening)


@dataclass
class Native(OfKernel):
    """Machine code behind a C-level entry."""

    loaded: Entry
    made: MadeKernel

    def code(self) -> MachineCode:
        return self.loaded.code

    @property
    def entry(self) -> Entry | None:
        return self.loaded

    @property
    def call(self) -> Callable[..., Any]:
        return self.loaded.call

    @property
    def hits(self) -> int:
        return self.loaded.hits


def text_of(made: MadeKernel, stage: str) -> str:
    lowered = made.lower()
    return str(lowered.buffers) if stage == "buffers" else lowered.loops if stage == "loops" else str(lowered.module)


GIL_WORK = 20_000.0
"""Element operations above which a kernel lets other threads run: giving the GIL back costs some 0.1 µs."""


@dataclass
class Direct(OfKernel):
    """Machine code that is called by Python, which looks at the arguments and builds the result: without an entry,
    which takes longer to make than a few calls take so."""

    program: TracedProgram
    made: MadeKernel
    kernel: BoundKernel
    hits: int = 0
    entry: None = None

    def call(self, *leaves: Any) -> Any:
        p = self.program
        captured = p.captured_now()  # once: what has been looked at is what is passed on
        if not would_take(p, leaves, captured):
            return MISS
        dims = sizes_of(p, leaves) or {}
        inputs = [np.asarray(x) for x in passed(p, leaves, captured)]
        outs = [np.empty(at(o.shape, dims), o.dtype) for o in p.outputs]
        self.hits += 1
        self.kernel.run(dims, self.made.kernel.sizes, inputs, outs)
        return answered(p, [a if o.is_array else a[()] for a, o in zip(outs, p.outputs, strict=True)], leaves, captured)

    def code(self) -> MachineCode:
        return self.kernel.code


def code_of(p: TracedProgram, note: Callable[[str], None], quick: bool = False) -> MadeKernel:
    """Code for this machine, from the cache on disk or compiled. `note(name)` is told when a step is done. quick:
    whether code does that was made with little effort."""
    return artefact.kernel_of(p.func, layouts_of(p), note, p.opening, quick)


def direct(p: TracedProgram, made: MadeKernel, threads: int | None) -> Direct:
    """Code that Python calls. threads: how many it may use, None for what holds for all."""
    takes = sum(map(is_passed, p.parameters)) + len(p.trace.captured) + len(p.outputs)
    alone = made.kernel.work > GIL_WORK and not any(name.startswith(PREFIX) for name in made.kernel.externals)
    return Direct(p, made, artefact.bound(made.kernel, takes, made.objects, threads or 0, alone))


def native(p: TracedProgram, made: MadeKernel, threads: int | None) -> Native:
    """Code behind the entry for calls of a program."""
    kernel, objects = made.kernel, made.objects
    spec = EntrySpec(p.parameters, p.outputs, p.result, p.captured, p.guards,
                     tuple((check.error, check.describe if check.is_described else check.describe(0, 0))
                           for check in kernel.checks), kernel.workspace_bytes,
                     kernel.work > GIL_WORK, p.writes, objects, kernel.sizes, tuple(p.opening.needed()))
    return Native(artefact.loaded(kernel, spec, objects, threads or 0), made)


def layouts_of(p: TracedProgram) -> list[tuple[int, ...] | None]:
    """The layouts of what the kernel takes."""
    specs = [s for s in p.parameters if is_passed(s)] + [c.spec for c in p.captured if c.is_passed]
    return [layout_of(s) for s in specs]


def layout_of(s: ParameterSpec) -> tuple[int, ...] | None:
    """Strides in elements; None for row-major order."""
    if not isinstance(s, ArraySpec) or s.strides is None:
        return None
    return layout_in_memory([step // s.dtype.itemsize for step in s.strides], s.dtype.kind == "c")


# the interpreter ----------------------------------------------------------------------------------------------------
@dataclass
class Interpreted:
    """Runs the IR with NumPy, one operation at a time: on request, never in the place of machine code that failed."""

    program: TracedProgram
    hits: int = 0
    workspace_bytes: int = 0
    entry: None = None
    origin: str = "interpreter"
    cores: tuple[CoresEntry, ...] = ()

    def call(self, *leaves: Any) -> Any:
        p = self.program
        captured = p.captured_now()  # once: what has been looked at is what is passed on
        if not would_take(p, leaves, captured):
            return MISS
        self.hits += 1
        outs = interpret(p.func, [as_planes(x) for x in passed(p, leaves, captured)])
        values = [fresh(from_planes(a, o.dtype), o) for a, o in zip(outs, p.outputs, strict=True)]
        return answered(p, values, leaves, captured)

    def text(self, stage: str) -> str:
        raise ValueError(f"the interpreter has no stage {stage!r}")

    def portable(self, p: TracedProgram) -> None:
        return None


def passed(p: TracedProgram, leaves: Sequence[Any], captured: Sequence[Any]) -> list[Any]:
    """What the program takes, of a call."""
    traced = [x for s, x in zip(p.parameters, leaves, strict=True) if is_passed(s)]
    return [*traced, *captured[:len(p.trace.captured)]]


def answered(p: TracedProgram, values: Sequence[Any], leaves: Sequence[Any], captured: Sequence[Any]) -> Any:
    """The result of a call for which these values were computed; arrays from outside are changed as it says."""
    for target, k in p.writes:
        np.copyto((leaves if isinstance(target, Argument) else captured)[target.index], values[k])
    return built(p.result, values, leaves, captured)


def matches(spec: ParameterSpec, x: Any, leaves: Sequence[Any]) -> bool:
    """Whether an argument, or captured value, takes this specialisation. `leaves` are all arguments."""
    if isinstance(spec, StaticSpec):
        return same_static(spec.value, x)
    if isinstance(spec, SameSpec):
        return x is leaves[spec.index]
    if isinstance(spec, ArraySpec) and spec.is_open:
        return (type(x) is np.ndarray and x.dtype == spec.dtype and x.flags.aligned and x.ndim == len(spec.shape)
                and (x.flags.writeable or not spec.writable)
                and bool(x.flags.c_contiguous if spec.strides is None else x.flags.f_contiguous))
    if isinstance(spec, ArraySpec):
        return (type(x) is np.ndarray and x.dtype == spec.dtype and x.flags.aligned
                and (x.flags.writeable or not spec.writable)
                and replace(ArraySpec.of(x), writable=spec.writable, apart=spec.apart) == spec)
    if isinstance(spec, NumpyScalarSpec):
        return isinstance(x, np.generic) and x.dtype == spec.dtype
    return type(x) is (float if isinstance(spec, FloatSpec) else complex)


def would_take(p: TracedProgram, leaves: Sequence[Any], captured: Sequence[Any] | None = None) -> bool:
    """Whether a specialisation was made for such arguments and the world as it is now. captured: what was read of it,
    by who goes on with just that."""
    if len(leaves) != len(p.parameters):
        return False
    captured = p.captured_now() if captured is None else captured
    specs = [*p.parameters, *(c.spec for c in p.captured)]
    holding = [True] * len(leaves) + [c.holds_memory for c in p.captured]
    return (all(matches(s, x, leaves) for s, x in zip(specs, [*leaves, *captured], strict=True))
            and agrees(p, leaves)
            and p.trace.holds()
            and are_apart([(x, s.apart) for s, x, h in zip(specs, [*leaves, *captured], holding, strict=True)
                           if h and isinstance(s, ArraySpec)]))


def agrees(p: TracedProgram, leaves: Sequence[Any]) -> bool:
    """Whether the open extents of arrays agree and meet the conditions."""
    dims = sizes_of(p, leaves)
    return dims is not None and all(c.holds(dims) for c in p.opening.conditions)


def sizes_of(p: TracedProgram, leaves: Sequence[Any]) -> dict[Dim, int] | None:
    """The open extents in a call; None where two of them that must be equal are not."""
    return solved((e, n) for s, x in zip(p.parameters, leaves, strict=True) if isinstance(s, ArraySpec) and s.is_open
                  for e, n in zip(s.shape, x.shape, strict=True))


def are_apart(arrays: Sequence[tuple[np.ndarray, bool]]) -> bool:
    """Whether those that must share no memory with another one do not."""
    return not any(alone and j != k and np.may_share_memory(x, y)
                   for k, (x, alone) in enumerate(arrays) for j, (y, _) in enumerate(arrays))


def fresh(a: np.ndarray, o: OutputSpec) -> Any:
    """A result of the interpreter as a fresh writable array or a scalar."""
    out = np.array(a, o.dtype)
    return out if o.is_array else out[()]


def built(node: Any, values: Sequence[Any], leaves: Sequence[Any], captured: Sequence[Any]) -> Any:
    """The result that a template describes."""
    def go(n: Any) -> Any:
        return built(n, values, leaves, captured)

    if node is None or isinstance(node, int):
        return None if node is None else values[node]
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Argument):
        return leaves[node.index]
    if isinstance(node, CapturedResult):
        return captured[node.index]
    if isinstance(node, Build):
        return node.factory(*map(go, node.parts))
    return {k: go(v) for k, v in node.items()} if isinstance(node, dict) else type(node)(map(go, node))

