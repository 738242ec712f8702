"""What can end a program (`OpSpec.fails`): each such operation fails, and not where the program does not run it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gradjit.errors import BoundsError
from gradjit.ir import OPS, Block, Builder, Fails, Func, Value, interpret, parse, type_of, verify
from gradjit.ir.builder import build
from gradjit.ir.types import DTYPES, ArrayType
from gradjit.passes import batching
from gradjit.passes.pipeline import optimize
from tests.ops.backends import COMPILED

X, I, P = np.arange(1.0, 4.0), np.array([2, 9]), np.array([2, 3])

LOW = "%four: i64[] = const 4\n%low: i64[] = minimum %m, %four\n"
"""An extent of -1, of which is known that it is no larger than 4."""

FAILING: dict[str, str] = {
    "bounded": "%r: i64[] = bounded %k extent=[3]",
    "gather": "%r: f64[2] = gather %x, %i axes=[0]",
    "scatter": "%v: f64[2] = const 1.0\n%r: f64[3] = scatter %x, %i, %v axes=[0]",
    "scatter_add": "%v: f64[2] = const 1.0\n%r: f64[3] = scatter_add %x, %i, %v axes=[0]",
    "pow": "%v: i64[2] = const -1\n%r: i64[2] = pow %p, %v",
    "const": LOW + "%r: f64[%low] = const 1.0",
    "iota": LOW + "%r: i64[%low] = iota shape=[%low] axis=0 dtype=i64",
    "broadcast": LOW + "%v: f64[] = const 1.0\n%r: f64[%low] = broadcast %v shape=[%low] dims=[]",
    "reshape": "%r: f64[%k] = reshape %x shape=[%k]",
    "slice": "%r: f64[%k] = slice %x [0:+%k]",
    "update": "%v: f64[2] = const 1.0\n%r: f64[3] = update %x, %v starts=[%k] steps=[1]",
    **{name: f"%v: f64[%z] = slice %x [0:+%z]\n%r: f64[] = {name} %v axes=[0]" for name in ("max", "min")},
    **{name: f"%v: f64[%z] = slice %x [0:+%z]\n%r: i64[] = {name} %v axis=0" for name in ("argmax", "argmin")},
    "cholesky": "%r: f64[1,1] = cholesky %neg",
    "triangular_solve": "%v: f64[1,1] = const 0.0\n"
                        "%r: f64[1,1] = triangular_solve %v, %neg lower=true trans=false unit=false checked=true",
    "lu_solve": "%w: f64[1,1] = const 0.0\n%lu: f64[1,1], %pv: i32[1], %ord: i64[1] = lu %w\n"
                "%r: f64[1,1] = lu_solve %w, %lu, %pv, %neg trans=false checked=true",
    "eigh": "%v: f64[3,3] = const nan\n%w: f64[3], %vectors: f64[3,3] = eigh %v lower=true\n%r: f64[3] = neg %w",
    "svd": "%v: f64[1,1] = const nan\n%u: f64[1,1], %w: f64[1], %vt: f64[1,1] = svd %v full=false wide=true\n"
           "%r: f64[1] = neg %w",
    "complex_cholesky": "%v: f64[1,1,2] = const -1.0\n%r: f64[1,1,2] = complex_cholesky %v",
    "complex_triangular_solve": "%v: f64[1,1,2] = const 0.0\n%r: f64[1,1,2] = complex_triangular_solve %v, %v "
                                "lower=true adjoint=false unit=false checked=true",
    "complex_svd": "%v: f64[1,1,2] = const nan\n%u: f64[1,1,2], %w: f64[1], %vt: f64[1,1,2] = complex_svd %v "
                   "full=false wide=true\n%r: f64[1] = neg %w",
    "complex_sylvester": "%v: f64[1,1,2] = const 1.0\n%w: f64[1,1,2] = neg %v\n"
                         "%r: f64[1,1,2] = complex_sylvester %v, %w, %v",
    "complex_solve": "%v: f64[1,1,2] = const 0.0\n%lu: f64[1,1,2], %pv: i32[1], %ord: i64[1] = complex_lu %v\n"
                     "%r: f64[1,1,2] = complex_solve %v, %lu, %pv, %v adjoint=false checked=true",
    "complex_eigh": "%v: f64[3,3,2] = const nan\n%w: f64[3], %u: f64[3,3,2] = complex_eigh %v lower=true\n"
                    "%r: f64[3] = neg %w",
    "complex_eig": "%v: f64[3,3,2] = const nan\n%w: f64[3,2], %u: f64[3,3,2] = complex_eig %v\n%r: f64[3,2] = neg %w",
    "eig": "%v: f64[3,3] = const nan\n%w: f64[3], %im: f64[3], %u: f64[3,3] = eig %v\n%r: f64[3] = neg %w",
    "sylvester": "%v: f64[1,1] = const 1.0\n%r: f64[1,1] = sylvester %neg, %v, %neg",
    "assert": '%v: i64[] = const 5\n%c: bool[] = lt %k, %v\nassert %c message="k is small"\n%r: f64[] = const 1.0',
    "raise": 'raise error="ValueError" message="it is here"\n%r: f64[] = const 1.0',
    "pop": "%t: tape[] = tape\n%u: tape[], %r: f64[] = pop %t types=[f64[]]",
}
"""A way to fail with k = 9, m = -1, z = 0, neg = [[-1]] and i and p as above, for each operation that can."""

PARAMETERS = "%x: f64[3], %i: i64[2], %p: i64[2], %k: i64[], %m: i64[], %z: i64[], %neg: f64[1,1]"
ARGUMENTS: Sequence[np.ndarray] = (X, I, P, *(np.array(n) for n in (9, -1, 0)), np.array([[-1.0]]))
SOMEWHERE = frozenset(name for name, spec in OPS.items()
                      if spec.fails not in (Fails.NEVER, Fails.INSIDE) and not spec.calls_user)
"""(Whether a function of the user's fails is its own affair.)"""


def only(text: str) -> Func:
    (func,) = parse(text).funcs.values()
    return func


def body(op: str) -> tuple[str, str]:
    """The operation and what makes one float of its result; that one's name."""
    type_ = FAILING[op].rpartition("%r: ")[2].split(" =")[0]
    text = f"{FAILING[op]}\n%g: f64{type_[type_.index('['):]} = cast %r dtype=f64"
    axes = ",".join(map(str, range(type_.count(",") + 1)))
    return (text, "%g") if type_.endswith("[]") else (f"{text}\n%n: f64[] = sum %g axes=[{axes}]", "%n")


def straight(op: str) -> Func:
    text, found = body(op)
    return only(f"func @f({PARAMETERS}) -> f64[] {{\n{text}\nreturn {found}\n}}")


def summed(op: str, region: str) -> Func:
    """A region that is not entered, in which the operation stands, and what it gives is read."""
    inner, found = body(op)
    text = {
        "for": f"%s: f64[] = for %z, %z, %one, %zero {{\n(%j: i64[], %a: f64[])\n{inner}\n%b: f64[] = add %a, {found}\n"
               "yield %b\n}",
        "while": "%s: f64[] = while %zero {\n(%a: f64[])\n%c0: bool[] = lt %one, %z\nyield %c0\n} {\n(%a1: f64[])\n"
                 f"{inner}\n%b: f64[] = add %a1, {found}\nyield %b\n}}",
        "if": f"%never: bool[] = lt %one, %z\n%s: f64[] = if %never {{\n()\n{inner}\nyield {found}\n}} {{\n()\n"
              "yield %zero\n}",
    }[region]
    return only(f"func @f({PARAMETERS}) -> f64[] {{\n%one: i64[] = const 1\n%zero: f64[] = const 0.0\n{text}\n"
                 "return %s\n}")


def test_there_is_an_example_for_each() -> None:
    assert set(FAILING) == SOMEWHERE


@pytest.mark.parametrize("op", sorted(FAILING.keys() - {"slice"}))  # which is a shorter one in NumPy
def test_it_fails(op: str) -> None:
    func = straight(op)
    verify(func)
    with pytest.raises((BoundsError, IndexError, ValueError, AssertionError)):
        interpret(func, ARGUMENTS)


@pytest.mark.parametrize("region", ["for", "while", "if"])
@pytest.mark.parametrize("op", sorted(FAILING))
def test_it_does_not_fail_where_it_does_not_run(op: str, region: str) -> None:
    func = summed(op, region)
    verify(func)
    for f in (func, optimize(func, verify=True)):
        assert interpret(f, ARGUMENTS)[0] == 0.0
    for compiled in COMPILED.values():
        if op != "reshape":  # which has no compiled form where it could fail
            assert compiled(func, ARGUMENTS)[0] == 0.0


HOSTILE = {"f": (0.0, -0.0, -1.0, 1e308, np.inf, -np.inf, np.nan, 0.5), "i": (0, -1, 1, "least", "most"),
           "u": (0, 1, "most"), "b": (False, True), "c": (0j, complex(np.nan, np.inf), 1 - 1j)}


ATTRS: dict[str, dict[str, Any]] = {
    "polygamma": {"order": 1}, "cast": {"dtype": DTYPES["i32"]}, "bitcast": {"dtype": DTYPES["i64"]},
    "special_call": {"function": "j0"},
}


@pytest.mark.parametrize("op", sorted(name for name, spec in OPS.items()
                                      if spec.pointwise and spec.fails is not Fails.SOMETIMES))
def test_what_never_fails_is_defined_everywhere(op: str) -> None:
    spec, attrs = OPS[op], ATTRS.get(op, {})
    tried = 0
    for dtype in DTYPES.values():
        if dtype.kind not in HOSTILE or (op == "cast" and dtype.is_complex):
            continue
        t = ArrayType(dtype)
        operands = [t] * (spec.arity or 1) if op != "select" else [ArrayType(DTYPES["bool"]), t, t]
        try:
            spec.infer(*operands, **attrs)
        except Exception:
            continue
        if spec.can_fail(operands, attrs):
            continue
        tried += 1
        limits = {"least": np.iinfo(dtype.np).min, "most": np.iinfo(dtype.np).max} if dtype.is_integer else {}
        with np.errstate(all="ignore"):
            values = [np.array([limits[v] if isinstance(v, str) else v]).astype(dtype.np)
                      for v in HOSTILE[dtype.kind]]
        for args in itertools.product(values, repeat=len(operands)):
            given = (args[0].astype(bool), *args[1:]) if op == "select" else args
            with np.errstate(all="ignore"):
                assert spec.evaluate is not None
                spec.evaluate(*given, **attrs)
    assert tried


# lanes of a batch that do not take part -------------------------------------------------------------------------------
EYE, PIVOTS = np.eye(3), np.array([1, 2, 3], np.int32)
SOLVE = {"checked": True, "unit": False, "lower": True}
V2, LOW_INDEX = np.array([1.0, 2.0]), np.array([0, 1])


def interleaved(a: np.ndarray) -> np.ndarray:
    return np.stack([a, np.zeros_like(a)], -1)


WITH_TWINS: dict[str, tuple[dict[str, Any], tuple[Any, ...], tuple[Any, ...]]] = {
    "cholesky": ({}, (EYE,), (-EYE,)),
    "triangular_solve": ({**SOLVE, "trans": False}, (EYE, EYE), (0 * EYE, EYE)),
    "lu_solve": ({"trans": False, "checked": True}, (EYE, EYE, PIVOTS, EYE), (0 * EYE, 0 * EYE, PIVOTS, EYE)),
    "eigh": ({"lower": True}, (EYE,), (EYE * np.nan,)),
    "svd": ({"full": False, "wide": True}, (EYE,), (EYE * np.nan,)),
    "sylvester": ({}, (EYE, EYE, EYE), (EYE, -EYE, EYE)),
}
"""Operations on real matrices that complex ones have as well: see `LANES`."""
LANES = {
    **WITH_TWINS,
    **{f"complex_{name}": ({"adjoint" if k == "trans" else k: v for k, v in attrs.items()},
                           *(tuple(interleaved(a) if a.dtype == float else a for a in args) for args in lanes))
       for name, (attrs, *lanes) in {**WITH_TWINS, "solve": WITH_TWINS["lu_solve"]}.items() if name != "lu_solve"},
    "complex_eig": ({}, (interleaved(EYE),), (interleaved(EYE * np.nan),)),
    "eig": ({}, (EYE,), (EYE * np.nan,)),
    "bounded": ({"extent": (3,)}, (np.array(2),), (np.array(9),)),
    "gather": ({"axes": (0,)}, (V2, LOW_INDEX), (V2, LOW_INDEX + 9)),
    **{name: ({"axes": (0,)}, (V2, LOW_INDEX, V2), (V2, LOW_INDEX + 9, V2)) for name in ("scatter", "scatter_add")},
}
"""For each operation that some operands of any size make fail: its attributes, operands with which it works, and
operands with which it fails, if any one of them is other than in the row before."""
APART = {"assert": "it is batched by its condition", "raise": "it is batched by the branch that it stands in",
         "pop": "tapes are carried by loops, which are batched as a whole", "opaque": "the user's own affair"}


def branch(op: str, attrs: dict[str, Any], args: Sequence[np.ndarray]) -> Func:
    """`if taken: op(*args)`, else zeros."""
    def body(b: Builder, taken: Value, *params: Value) -> Sequence[Value]:
        then, other = Block(()), Block(())
        then.results = Builder(then).append(op, params, attrs).results
        other.results = tuple(Builder(other).zeros(r.type) for r in then.results)
        return b.append("if", (taken,), {}, (then, other), [r.type for r in then.results]).results

    return build("f", [ArrayType(DTYPES["bool"]), *map(type_of, args)], body)


def test_each_operation_that_can_fail_is_tried_in_lanes() -> None:
    assert {name for name, spec in OPS.items() if spec.fails is Fails.SOMETIMES} == {*LANES, *APART}


@pytest.mark.parametrize("op", sorted(LANES))
def test_lanes_that_do_not_take_part_do_not_fail(op: str) -> None:
    """Each choice of batched operands: those of the second lane, in which the branch is not taken, would fail."""
    attrs, good, bad = LANES[op]
    func = branch(op, attrs, good)
    with pytest.raises((BoundsError, IndexError, ValueError)):
        interpret(func, [np.array(True), *bad])
    expected = interpret(func, [np.array(True), *good])
    lanes = [np.array([True, False]), *map(np.stack, zip(good, bad, strict=True))]
    batched = batching.batch(func, [True] * len(lanes), 2)
    for run in (lambda: interpret(batched, lanes), *(lambda c=c: c(batched, lanes) for c in COMPILED.values())):
        for found, e in zip(run(), expected, strict=True):
            np.testing.assert_allclose(found[0], e, atol=1e-15)
            assert not np.any(found[1])
