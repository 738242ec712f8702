"""What a library is to hold of a function: traced and differentiated for a signature, lowered for each processor.

Sizes that the signature names stay open. What the function decides by looking at them holds for some sizes only; so it
is traced once more for sizes that do not meet the conditions, and the library has a version for each.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, GradjitError, UnsupportedError
from ..ir.size_conditions import SizeCondition, opening
from ..ir.sizes import Dim, is_open, size_of
from ..ir.types import dtype_of
from ..passes.coded_raises import coded_raises
from ..probe import text
from ..runtime.entry_spec import (
    Argument,
    ArraySpec,
    Build,
    Constant,
    FloatSpec,
    NumpyScalarSpec,
    OutputSpec,
    ParameterSpec,
    StaticSpec,
    is_passed,
)
from ..runtime.library.description import (
    RESERVED,
    KernelText,
    LibraryParameter,
    LibraryRoutine,
    ProgramVersion,
    function_identifier,
    identifiers,
)
from ..runtime.library.processors import Processor
from ..runtime.library.routines_outside import check_externals
from ..tracer import trees
from ..tracer.state import Kept
from ..tracer.trace import captured_name, parameter_names
from . import functions
from .backends import TracedProgram
from .canonical_call import CanonicalCall
from .compiled import Compiled, Specialisation
from .computed_results import FrontPart
from .declared import Array, DeclaredSignature

DERIVATIVES = ("grad", "value_and_grad", "hessian", "hvp", "jacobian", "jacfwd", "jacrev", "value_and_jacobian")
MOST_VERSIONS = 4
EXAMPLES = (97, 17, 9, 5, 3, 2, 1, 0)
"""What open sizes are, about, in the traces for the versions of a function."""
MULTIPLE = 96
NOT_TAKEN = (GradjitError, ArithmeticError, LookupError, TypeError, ValueError, AssertionError)
"""Where NumPy takes no such sizes, or only some numbers."""


def transformed(f: Callable[..., Any], derivative: str | None, argnums: Any) -> Compiled:
    """The function to be compiled, which is never called: nothing is compiled for this process."""
    if derivative is not None and derivative not in DERIVATIVES:
        raise ArgumentError(f"derivative={derivative!r}; there are {', '.join(DERIVATIVES)}, or None for the function "
                            f"itself")
    options: dict[str, Any] = {"backend": "interpreter"}
    if derivative is not None:
        made: Compiled = getattr(functions, derivative)(f, argnums, **options)
    elif isinstance(f, Compiled):
        if f.recipe is None:
            raise ArgumentError(f"{f!r} belongs to a call of gj.{f.kind}; export the function itself")
        made = getattr(functions, f.kind)(f.recipe.function, **{**f.recipe.keywords, **f.options.asked(), **options,
                                                               "signature": None})
    else:
        made = functions.jit(f, **options)
    return made


def routine_of(f: Callable[..., Any], signature: str, derivative: str | None, argnums: Any, name: str | None,
               processors: Sequence[Processor], alike: bool = False) -> LibraryRoutine:
    """A function of a library. alike: whether each open size may be any other: those that must be equal are found out.

    Raises ArgumentError for a signature that does not fit the function, UnsupportedError for what needs Python when it
    runs, and whatever a call with such arguments would.
    """
    declared = DeclaredSignature(signature)
    made = transformed(f, derivative, argnums)
    fits(f if derivative != "hvp" else made, declared)
    kind = derivative or ("jit" if not isinstance(f, Compiled) else f.kind)
    own = text(f, "__name__", "f").replace("<lambda>", "f")
    name = name or function_identifier(own if kind == "jit" else f"{own}_{kind}")
    return RoutineMaker(made, declared, kind, argnums, name, processors, 0 if alike else 1).routine()


def fits(f: Callable[..., Any], declared: DeclaredSignature) -> None:
    """ArgumentError where a function does not take so many arguments."""
    try:
        known = inspect.signature(f)
    except (TypeError, ValueError):
        return
    given = len(declared.arguments)
    try:
        known.bind(*declared.arguments)
    except TypeError:
        names = [p.name for p in known.parameters.values() if p.default is p.empty]
        missing = names[given:]
        what = f"it declares nothing for {', '.join(missing)}" if missing else f"it declares {given} arguments"
        raise ArgumentError(f"the signature {declared.text!r} does not fit {text(f, '__name__', 'f')}{known}: {what}"
                            ) from None


class RoutineMaker:
    """One function on its way into a library."""

    def __init__(self, made: Compiled, declared: DeclaredSignature, kind: str, argnums: Any, name: str,
                 processors: Sequence[Processor], step: int = 1) -> None:
        self.step = step
        self.made, self.declared, self.kind, self.argnums, self.name = made, declared, kind, argnums, name
        self.processors = processors
        self.names = list(dict.fromkeys(declared.names().values()))
        own = identifiers(self.names, RESERVED)
        words = {name: name for name in self.names}
        if not step:
            leaves = trees.leaf_names(trees.flatten_call((declared.arguments, {}))[1], self.argument_names())
            words = {name: f"{leaves[k]}.shape[{axis}]" for (k, axis), name in declared.names().items()}
        self.sizes = {n: Dim(c, words=words[n]) for n, c in zip(self.names, own, strict=True)}
        self.notes: dict[str, None] = {}

    def routine(self) -> LibraryRoutine:
        program, first = self.first_version()
        parameters, outputs, result = self.interface(program)
        versions = [first, *self.more_versions(first, parameters, result)]
        made = LibraryRoutine(self.name, self.title(program), None if self.kind == "jit" else self.kind,
                              self.declared.text, tuple(self.sizes.values()), tuple(parameters), tuple(outputs),
                              tuple(o.form for o in program.outputs), result, tuple(self.argument_names()),
                              tuple(self.notes), tuple(versions))
        check_externals(made)
        return made

    def title(self, program: TracedProgram) -> str:
        own = text(self.made.like, "__name__", "f")
        where = f" ({program.trace.loc})" if program.trace.loc else ""
        return f"{own}{where}" if self.kind == "jit" else f"{self.kind} of {own}{where}"

    # versions ---------------------------------------------------------------------------------------------------------
    def numbers(self, start: int, step: int) -> dict[str, int]:
        """Sizes for an example, no two of them equal by chance where that can be."""
        return {n: max(start + step * k, 0) for k, n in enumerate(self.names)}

    def first_version(self) -> tuple[TracedProgram, ProgramVersion]:
        try:
            return self.version(self.numbers(EXAMPLES[0], self.step))
        except NOT_TAKEN as e:
            try:  # sizes that must be multiples of a number
                return self.version(self.numbers(MULTIPLE, MULTIPLE * self.step))
            except NOT_TAKEN:
                raise e from None

    def more_versions(self, first: ProgramVersion, parameters: Sequence[LibraryParameter], result: Any
                      ) -> Iterator[ProgramVersion]:
        """Programs for the sizes that do not meet the conditions of the first, where there are such."""
        found = [first]
        for numbers in (self.numbers(start, step) for start in EXAMPLES for step in (self.step, 1, -1)):
            dims = {self.sizes[n]: k for n, k in numbers.items()}
            if len(found) == MOST_VERSIONS or any(all(c.holds(dims) for c in v.conditions) for v in found):
                continue
            try:
                program, version = self.version(numbers)
                same = self.interface(program)
            except NOT_TAKEN:
                continue
            if (same[0], same[2]) == (parameters, result):
                found.append(version)
                yield version

    def version(self, numbers: dict[str, int]) -> tuple[TracedProgram, ProgramVersion]:
        """The program for sizes like these."""
        s = self.specialised(numbers)
        program = s.program
        self.check(program)
        known = self.substitution(program)
        lowered = self.lowered(program)
        conditions = list(known.conditions)
        for c in (c for c in program.opening.needed() if not c.is_preference):
            own = SizeCondition(known.of(c.left), c.op, known.of(c.right))
            if is_open(own.left) or is_open(own.right):
                conditions.append(own)
        some = lowered[0]
        sizes = tuple(known.of(size_of(d)) for d in some.program.sizes)
        constants = tuple(np.array(c.array, order="C") for c in program.trace.captured)
        kernels = tuple(KernelText(p.name, str(x.module), x.pipeline, x.outlined, x.externals)
                        for p, x in zip(self.processors, lowered, strict=True))
        return program, ProgramVersion(tuple(dict.fromkeys(conditions)), sizes, known.of(some.workspace_bytes),
                                       constants, some.checks, kernels, some.work)

    def specialised(self, numbers: dict[str, int]) -> Specialisation:
        """The function traced for arguments of such sizes. UnsupportedError where sizes cannot be open."""
        call = CanonicalCall.of(self.declared.samples(numbers), {})
        self.made.sizes.declare(call, self.declared.names())
        try:
            s = self.made.compiled(call)
        except Kept as e:
            raise UnsupportedError(f"{text(self.made.like, '__name__', 'f')} changes what stands outside of it at each "
                                   f"call, which a library cannot keep ({e}); pass it as an argument, and return the "
                                   f"new value") from None
        if self.names and not s.is_open:
            why = "; ".join(map(str, self.made.sizes.closed())) or "the function needs them as numbers"
            raise UnsupportedError(f"the signature {self.declared.text!r} names open sizes, and {why}. Write numbers "
                                   f"for them in the signature")
        return s

    def lowered(self, program: TracedProgram) -> list[Any]:
        """The program as LLVM IR, for each processor. What is concluded meanwhile holds for all of them."""
        from ..codegen import assemble, lower_loops, work_of
        from ..codegen.written_transforms import written_transforms

        layouts = [None] * len(program.func.params)
        with opening(program.opening):
            func = written_transforms(coded_raises(program.func))
            made = [assemble(lower_loops(func, layouts, p.machine), work_of(program.func))
                    for p in self.processors]
        if len({(x.workspace_bytes, x.checks) for x in made}) > 1:  # by the width of vectors
            largest = max(made, key=lambda x: len(x.checks))
            if any(x.checks != largest.checks for x in made) or any(is_open(x.workspace_bytes) for x in made):
                raise UnsupportedError("the targets differ in the memory that the function needs; build a library for "
                                       "each")
        return made

    def check(self, program: TracedProgram) -> None:
        """UnsupportedError for what needs Python, or memory of this process."""
        t, own = program.trace, text(self.made.like, "__name__", "f")
        if any(v.dtype.is_complex for v in (*t.func.params, *t.func.results)):
            raise UnsupportedError(f"{own} takes or gives complex numbers, which the interface of a library does not "
                                   f"have; let it take and give their real and imaginary parts")
        for w in (w for w in t.writes if w.captured is not None):
            raise UnsupportedError(f"{own} writes to {w.what}, which a library does not have; pass it as an argument")
        if t.rebindings:
            raise UnsupportedError(f"{own} puts values into a container among its arguments; return them")
        for c in t.captured:
            self.notes[f"A constant of the library: {captured_name(c)}, {c.array.dtype} of shape {c.array.shape}, as "
                       f"it was when the library was built."] = None

    def substitution(self, program: TracedProgram) -> Substitution:
        """The sizes of a program in those that the signature names."""
        known = Substitution()
        pairs: list[tuple[int, int]] = []
        for spec, declared in zip(program.parameters, self.declared.leaves, strict=True):
            if isinstance(declared, Array) and isinstance(spec, ArraySpec):
                pairs += [(e, size_of(self.sizes[n]) if isinstance(n, str) else n)
                          for e, n in zip(spec.shape, declared.shape, strict=True)]
        known.solve(pairs)
        return known

    # what it takes and gives ------------------------------------------------------------------------------------------
    def interface(self, program: TracedProgram) -> tuple[list[LibraryParameter], list[int], Any]:
        """The parameters in C, which of them each of the kernel's outputs is, and how the result is built of these."""
        known = self.substitution(program)
        targets = {target.index: output for target, output in program.writes if isinstance(target, Argument)}
        leaves = [leaf.name for leaf in program.trace.leaves]
        taken = [k for k, s in enumerate(program.parameters) if is_passed(s)]
        for k, s in enumerate(program.parameters):
            if isinstance(s, StaticSpec):
                self.notes[f"{leaves[k]} is {s.value!r}."] = None
        given = [k for k in range(len(program.outputs)) if k not in targets.values()]
        labels = output_labels(program.result, self.kind, self.argnums, self.argument_names())
        names = identifiers([*(leaves[k] for k in taken), *(labels.get(k, f"result_{k}") for k in given)],
                            (*(d.name for d in self.sizes.values()), *RESERVED))
        shapes = [self.shape_of(x) for x in self.declared.leaves]
        parameters = [parameter(name, leaves[k], program.parameters[k], shapes[k], k in targets)
                      for name, k in zip(names, taken, strict=False)]
        parameters += [result_parameter(name, labels.get(k, name), program.outputs[k], known)
                       for name, k in zip(names[len(taken):], given, strict=True)]
        outputs = [0] * len(program.outputs)
        for at, k in enumerate(given, len(taken)):
            outputs[k] = at
        for leaf, k in targets.items():
            outputs[k] = taken.index(leaf)
        for node in nodes_of(program.result):
            if isinstance(node, Argument):
                self.notes[f"{leaves[node.index]} itself is (a part of) the result, too."] = None
        return parameters, outputs, as_json(program.result)

    def shape_of(self, declared: Any) -> tuple[int, ...]:
        """The extents of an argument, as the signature has them."""
        return tuple(size_of(self.sizes[e]) if isinstance(e, str) else e
                     for e in (declared.shape if isinstance(declared, Array) else ()))

    def argument_names(self) -> list[str]:
        return parameter_names(self.made.like, len(self.declared.arguments))


class Substitution:
    """A program's own sizes in those of the signature."""

    def __init__(self) -> None:
        self.values: dict[Dim, int] = {}
        self.conditions: list[SizeCondition] = []

    def solve(self, pairs: Sequence[tuple[int, int]]) -> None:
        """`pairs`: extents as the program has them, and as they are declared."""
        for e, n in pairs:
            if is_open(e) and (alone := e.alone) is not None:
                d, k, c = alone
                self.values.setdefault(d, (n - c) // k)
        for e, n in pairs:
            own = self.of(e)
            if (is_open(own) or is_open(n)) and not (type(own) is type(n) and own == n):
                self.conditions.append(SizeCondition(own, "==", n))

    def of(self, n: int) -> int:
        return n.at(self.values) if is_open(n) else n


def parameter(name: str, label: str, spec: ParameterSpec, shape: tuple[int, ...], changes: bool) -> LibraryParameter:
    if isinstance(spec, ArraySpec):
        return LibraryParameter(name, label, dtype_of(spec.dtype), shape, "inout" if changes else "in", spec.apart)
    if isinstance(spec, (FloatSpec, NumpyScalarSpec)):
        return LibraryParameter(name, label, dtype_of(float if isinstance(spec, FloatSpec) else spec.dtype), ())
    raise UnsupportedError(f"the argument {label} is of a type that a library cannot take")


def result_parameter(name: str, label: str, spec: OutputSpec, known: Substitution) -> LibraryParameter:
    return LibraryParameter(name, label, dtype_of(spec.dtype), tuple(known.of(e) for e in spec.shape), "out")


# results --------------------------------------------------------------------------------------------------------------
def nodes_of(node: Any) -> Iterator[Any]:
    yield node
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, (tuple, list)) else (
        node.parts if isinstance(node, Build) else ())
    for part in parts:
        yield from nodes_of(part)


def paths_of(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The outputs in a result, with the way to each."""
    if type(node) is int:
        yield node, path
    parts = node.items() if isinstance(node, dict) else enumerate(
        node if isinstance(node, (tuple, list)) else node.parts if isinstance(node, Build) else ())
    for key, part in parts:
        yield from paths_of(part, (*path, key))


ROOTS = {"grad": "grad", "hessian": "hessian", "hvp": "product", "jacobian": "jacobian", "jacfwd": "jacobian",
         "jacrev": "jacobian", "jit": "result", "vmap": "result"}


def output_labels(result: Any, kind: str, argnums: Any, arguments: Sequence[str]) -> dict[int, str]:
    """What each output is called: `value`, `grad_w`, `result_0`."""
    labels: dict[int, str] = {}
    for output, path in paths_of(result):
        root = ROOTS.get(kind, "result")
        if kind in ("value_and_grad", "value_and_jacobian"):
            if path[:1] == (0,):
                labels.setdefault(output, "_".join(("value", *map(str, path[1:]))))
                continue
            root, path = kind.rpartition("_")[2], path[1:]
        if root in ("grad", "jacobian") and kind != "jit":
            which, path = (argnums, path) if isinstance(argnums, int) else (
                argnums[path[0]] if path else argnums[0], path[1:])
            root = f"{root}_{arguments[which]}" if -len(arguments) <= which < len(arguments) else root
        labels.setdefault(output, "_".join((root, *map(str, path))))
    return labels


def as_json(node: Any) -> Any:
    """How a result is built, as JSON. UnsupportedError where there is an object of this process in it."""
    if type(node) is int:
        return {"output": node}
    if node is None:
        return {"constant": None}
    if isinstance(node, Constant) and (node.value is None or type(node.value) in (bool, int, float, str)):
        return {"constant": node.value}
    if isinstance(node, Argument):
        return {"argument": node.index}
    if isinstance(node, dict) and all(isinstance(k, str) for k in node):
        return {"dict": [[k, as_json(v)] for k, v in node.items()]}
    if isinstance(node, (tuple, list)):
        return {type(node).__name__: [as_json(v) for v in node]}
    if isinstance(node, Build) and isinstance(node.factory, FrontPart):
        raise UnsupportedError("a result's shape depends on what is computed (by np.nonzero, x[mask], or a slice of "
                               "computed length), which a library cannot give back; return it written into an array of "
                               "known shape, as out[:n] = result, and n")
    if isinstance(node, Build):
        return {"tuple": [as_json(v) for v in node.parts]}
    raise UnsupportedError(f"the result holds {getattr(node, 'value', node)!r:.60}, which a library cannot give back")


__all__ = ["DERIVATIVES", "routine_of"]
