"""Facts of `OpSpec` that can be measured: what is forgotten, or wrong, is named with its operation."""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gradjit.codegen import loopir, lower_loops, routines
from gradjit.codegen.loopir import interpreter
from gradjit.ir import C128, F64, OPS, Builder, Memory, OpSpec, Sign, Value, interpret, parse, type_of, verify
from gradjit.ir.builder import build
from gradjit.ir.types import DTYPES, ArrayType
from gradjit.passes.pipeline import optimize
from gradjit.passes.planes import plane_rules
from tests.ops.backends import COMPILED
from tests.ops.harness import Case
from tests.ops.test_failing import ATTRS, HOSTILE
from tests.passes.test_singular import MATRICES

POINTWISE = sorted(name for name, spec in OPS.items() if spec.pointwise and name not in ("polygamma", "special_call"))
"""(What those two are depends on their attributes.)"""
FLOATS = (0.0, -0.0, 1.0, -1.0, 3.0, -2.5, 0.5, 1e308, np.inf, -np.inf, np.nan)


@functools.cache
def samples(op: str) -> list[tuple[tuple[np.ndarray, ...], np.ndarray]]:
    """Operands of each dtype that the operation takes, with what it makes of them."""
    spec, found = OPS[op], []
    assert spec.evaluate is not None and spec.arity is not None
    for dtype in DTYPES.values():
        types = [ArrayType(dtype)] * spec.arity
        if op == "select":
            types[0] = ArrayType(DTYPES["bool"])
        if dtype.kind not in HOSTILE or not accepts(spec, types, ATTRS.get(op, {})):
            continue
        if spec.can_fail(types, ATTRS.get(op, {})):
            continue
        values = list(map(np.array, FLOATS if dtype.kind == "f" else (0, 1, 3, 6, 10)))
        for given in itertools.product(values, repeat=spec.arity):
            with np.errstate(all="ignore"):
                args = tuple(a.astype(t.dtype.np) for a, t in zip(given, types, strict=True))
                found.append((args, np.asarray(spec.evaluate(*args, **ATTRS.get(op, {})))))
    return found


def accepts(spec: OpSpec, types: list[ArrayType], attrs: dict[str, Any]) -> bool:
    try:
        spec.infer(*types, **attrs)
    except Exception:
        return False
    return True


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Bit for bit; one nan is as good as another."""
    return a.dtype == b.dtype and (a.tobytes() == b.tobytes() or bool(np.isnan(a) and np.isnan(b)))


# signs, choices -------------------------------------------------------------------------------------------------------
UNKNOWN_SIGN = dict.fromkeys(("erfinv", "gammaln", "digamma", "real", "imag"), "-0.0 at places that are not tried here")


@pytest.mark.parametrize("op", POINTWISE)
def test_sign(op: str) -> None:
    floats = [r for _, r in samples(op) if r.dtype.kind == "f"]
    never = bool(floats) and not any(r == 0 and np.signbit(r) for r in floats)
    assert (never and op not in UNKNOWN_SIGN) == (OPS[op].sign is Sign.POSITIVE), f"{op}: sign"


@pytest.mark.parametrize("op", POINTWISE)
def test_what_selects_and_what_chooses(op: str) -> None:
    spec, tried = OPS[op], samples(op)
    assert all(same(args[0], r) for args, r in tried) == spec.selects, f"{op}: selects"
    chooses = all(any(same(a, r) for a in args) for args, r in tried)
    assert chooses == (spec.chooses or spec.selects), f"{op}: chooses"


EITHER_ZERO = ("maximum", "minimum")
"""Which of 0.0 and -0.0 is the larger NumPy leaves open."""


@pytest.mark.parametrize("op", [name for name in POINTWISE if OPS[name].arity == 2])
def test_commutative(op: str) -> None:
    values = {tuple(a.tobytes() for a in args) + (r.dtype.name,): (args, r) for args, r in samples(op)}
    pairs = [(r, values[(*(a.tobytes() for a in args[::-1]), r.dtype.name)][1]) for args, r in values.values()]
    if op in EITHER_ZERO:
        pairs = [(a, b) for a, b in pairs if a != 0 or b != 0]
    assert all(same(a, b) for a, b in pairs) == OPS[op].commutative, f"{op}: commutative"


# complex numbers ------------------------------------------------------------------------------------------------------
FAMILIES = ("elementwise", "reduction", "movement", "indexing", "linalg", "factorisation", "fourier",
            "complex_matrices")


def cases() -> Iterator[Case]:
    """Of every operation that is tried as it is."""
    for family in FAMILIES:
        yield from (c for c in importlib.import_module(f"tests.ops.test_{family}").CASES if c.body is None)


def as_complex(case: Case) -> list[ArrayType]:
    return [t.with_dtype(C128) if t.dtype == F64 else t for t in map(type_of, case.arrays)]


COMPLEX = {c.op: c for c in cases() if any(t.dtype.is_complex for t in as_complex(c))
           and accepts(OPS[c.op], as_complex(c), c.attrs)}
"""A case of each operation that takes complex numbers."""


@pytest.mark.parametrize("op", sorted(COMPLEX))
def test_by_planes(op: str) -> None:
    """Two real operations in place of a complex one give the same exactly where it is said."""
    spec, case = OPS[op], COMPLEX[op]
    assert spec.by_planes + (op in plane_rules.RULES) + (op in plane_rules.STEPS) == 1, f"{op}: by_planes"
    assert spec.evaluate is not None
    planes = [[a if a.dtype.kind != "f" else a * (1 + k) for a in case.arrays] for k in range(2)]
    if op == "select" or not spec.by_planes:
        return
    re, im = (np.asarray(spec.evaluate(*p, **case.attrs)) for p in planes)
    both = [a + 1j * b if a.dtype.kind == "f" else a for a, b in zip(*planes, strict=True)]
    np.testing.assert_allclose(spec.evaluate(*both, **case.attrs), re + 1j * im, rtol=1e-14)


# routines, extents ----------------------------------------------------------------------------------------------------
def test_every_routine_has_a_meaning_in_the_loop_ir() -> None:
    """What the machine code calls the interpreter of the loop IR does in NumPy."""
    assert set(routines.ROUTINES) == set(interpreter.ROUTINES)


ROUTINES = {c.op: c for c in reversed(list(cases())) if c.op in routines.ROUTINES and all(a.size for a in c.arrays)}


@pytest.mark.parametrize("op", sorted(ROUTINES))
def test_the_meaning_of_a_routine_is_that_of_its_operation(op: str) -> None:
    func, args = ROUTINES[op].func(), ROUTINES[op].arrays
    program = lower_loops(func)
    loopir.verify(program)
    for found, expected in zip(loopir.interpret(program, args), interpret(func, args), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-13, err_msg=op)


HEAD = "%v: f64[%k] = slice %x [0:+%k]\n%w: f64[%k,3] = slice %a [0:+%k,0:+3]\n"
OPEN: dict[str, str] = {
    **{name: f"%r: f64[] = {name} %v axes=[0]" for name in ("sum", "prod", "max", "min")},
    **{name: f"%z: bool[%k] = isnan %v\n%c: bool[] = {name} %z axes=[0]\n%r: f64[] = cast %c dtype=f64"
       for name in ("any", "all")},
    **{name: f"%c: i64[] = {name} %v axis=0\n%r: f64[] = cast %c dtype=f64" for name in ("argmax", "argmin")},
    **{name: f"%r: f64[%k] = {name} %v axis=0 reverse=false" for name in ("cumsum", "cumprod")},
    "const": "%r: f64[%k] = const 2.0",
    "iota": "%c: i64[%k] = iota shape=[%k] axis=0 dtype=i64\n%r: f64[%k] = cast %c dtype=f64",
    "broadcast": "%r: f64[%k,2] = broadcast %v shape=[%k,2] dims=[0]",
    "reshape": "%r: f64[1,%k] = reshape %v shape=[1,%k]",
    "transpose": "%r: f64[3,%k] = transpose %w perm=[1,0]",
    "slice": "%r: f64[%k] = slice %x [1:+%k]",
    "update": "%r: f64[7] = update %x, %v starts=[1] steps=[1]",
    "gather": "%i: i64[%k] = iota shape=[%k] axis=0 dtype=i64\n%r: f64[%k] = gather %v, %i axes=[0]",
    **{name: f"%i: i64[%k] = iota shape=[%k] axis=0 dtype=i64\n%r: f64[7] = {name} %x, %i, %v axes=[0]"
       for name in ("scatter", "scatter_add")},
    "bounded": "%c: i64[] = bounded %one extent=[%k]\n%r: f64[] = cast %c dtype=f64",
    "contract": "%r: f64[3] = contract %v, %w xbatch=[] ybatch=[] xsum=[0] ysum=[0]",
}
"""Each operation on an array of which the extent is computed."""
CLOSED = {name for name, spec in OPS.items() if spec.matrix and not spec.has_nest} | {"size", "real", "imag", "complex"}
"""These add a matrix to what was computed from it, whose extents are known; or are gone before code is generated."""


def test_there_is_an_example_of_each_operation_that_takes_open_extents() -> None:
    said = {name for name, spec in OPS.items() if spec.open_extents and not spec.pointwise
            and spec.memory is not Memory.STEP}
    assert said - CLOSED == set(OPEN)


@pytest.mark.parametrize("op", sorted(OPEN))
def test_open_extents(op: str) -> None:
    type_ = OPEN[op].rpartition("%r: ")[2].split(" =")[0]
    (func,) = parse(f"func @f(%x: f64[7], %a: f64[6,3], %k: i64[], %one: i64[]) -> f64[] {{\n"
                    f"%four: i64[] = const 4\n%n: i64[] = minimum %k, %four\n{(HEAD + OPEN[op]).replace('%k', '%n')}\n"
                    + ("%s: f64[] = sum %r axes=[" + ",".join(map(str, range(type_.count(",") + 1))) + "]\nreturn %s"
                       if not type_.endswith("[]") else "return %r") + "\n}").funcs.values()
    verify(func)
    for k in (3, 4):
        args = [np.arange(1.0, 8.0), np.arange(18.0).reshape(6, 3), np.array(k), np.array(1)]
        expected = interpret(func, args)[0]
        for compiled in COMPILED.values():
            np.testing.assert_allclose(compiled(func, args)[0], expected, rtol=1e-14, err_msg=f"{op}: open_extents")


# operations that are not pointwise ------------------------------------------------------------------------------------
OTHERS: dict[str, list[Case]] = {}
"""Of each the cases of floats."""
for _case in cases():
    if not OPS[_case.op].pointwise and _case.arrays and all(a.size for a in _case.arrays) and (
            _case.arrays[0].dtype == float):
        OTHERS.setdefault(_case.op, []).append(_case)
ZEROS = (1.0, -1.0, 0.0, 2.0, -1.0, -1.0, 0.0, -3.0, 0.0)
"""Of which terms cancel, and products are -0.0."""


def evaluated(case: Case, first: np.ndarray) -> list[np.ndarray]:
    spec = OPS[case.op]
    assert spec.evaluate is not None
    found = spec.evaluate(first, *case.arrays[1:], **case.attrs)
    return [np.asarray(f) for f in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.parametrize("op", sorted({*OTHERS} - {"concat", "update", "scatter", "scatter_add", "pad", "contract"}))
def test_what_keeps_the_sign_of_zeros(op: str) -> None:
    """Without -0.0 in the first operand there is none in the result. (Of several operands nothing is said.)"""
    if OPS[op].matrix or OPS[op].family == "fourier":
        assert OPS[op].sign is Sign.ANY, f"{op}: sign"
        return
    results = [r for case in OTHERS[op] for r in evaluated(case, np.resize(ZEROS, case.arrays[0].shape))]
    kept = all(r.dtype == float and not np.any((r == 0) & np.signbit(r)) for r in results)
    assert kept == (OPS[op].sign is Sign.KEPT), f"{op}: sign"


@pytest.mark.parametrize("op", sorted(OTHERS))
def test_what_selects_without_being_pointwise(op: str) -> None:
    moved = True
    for case in OTHERS[op]:
        x = case.arrays[0]
        first = x if OPS[op].matrix else np.sqrt(np.arange(2.0, 2 + x.size)).reshape(x.shape)
        moved = moved and all(r.dtype == float and set(r.flat) <= set(first.flat) for r in evaluated(case, first))
    assert moved == OPS[op].selects, f"{op}: selects"


@pytest.mark.parametrize("op", sorted(OPS))
def test_what_stands_in_a_table_of_its_own_says_so(op: str) -> None:
    spec = OPS[op]
    takes = "results" in inspect.signature(spec.infer).parameters.keys() - spec.attrs.keys()
    assert takes == (spec.states_results or spec.regions > 0), f"{op}: states_results"
    assert bool(spec.matrix) == (spec.family in ("factorisation", "complex_matrices")), f"{op}: matrix"
    assert spec.effect == (spec.family == "effects" and op != "probe"), f"{op}: effect"
    assert not spec.pinned or spec.memory is not Memory.STEP, f"{op}: pinned, as all steps are"


@pytest.mark.parametrize("op", sorted(MATRICES))
def test_what_adds_whose_a_result_is_selects(op: str) -> None:
    """The first operand itself, which has been computed from a matrix."""
    attrs, args = MATRICES[op]
    evaluate = OPS[op].evaluate
    assert evaluate is not None
    assert (evaluate(*args, **attrs) is args[0]) == OPS[op].selects, f"{op}: selects"


def test_a_barrier_is_pinned() -> None:
    """What is behind two barriers is computed twice."""
    def body(b: Builder, x: Value) -> list[Value]:
        return [b.add(b.exp(b.barrier(x)), b.exp(b.barrier(x)))]

    names = [op.name for op in optimize(build("f", [ArrayType(F64, (3,))], body)).ops]
    assert names.count("barrier") == names.count("exp") == 2, "barrier: pinned"
