"""The verifier: what no text can spell. (Ill-typed programs are file tests, under filetests/invalid.)"""

from __future__ import annotations

import pytest

from gradjit.errors import IRError
from gradjit.ir import BOOL, F64, I64, INDEX, ArrayType, Block, Builder, Func, Loc, Op, Value, verify
from gradjit.ir.builder import build
from gradjit.ir.core import Module
from gradjit.ir.verifier import errors_of

VECTOR = ArrayType(F64, (3,))


def function(*types: ArrayType) -> tuple[Func, Builder]:
    block = Block(types)
    return Func("f", block), Builder(block, Loc("model.py", 4))


def messages(f: Func) -> list[str]:
    return [text for _, text in errors_of(f)]


def test_a_good_function() -> None:
    f = build("f", [VECTOR], lambda b, x: [b.exp(x)])
    verify(f)
    verify(Module({"f": f}))
    assert errors_of(f) == []


def test_use_before_definition() -> None:
    f, b = function(VECTOR)
    b.neg(b.exp(f.params[0]))
    f.ops.reverse()
    assert any("not defined before" in m for m in messages(f))


def test_use_of_another_functions_value() -> None:
    f, b = function(VECTOR)
    g, _ = function(VECTOR)
    b.exp(g.params[0])
    assert any("not defined before" in m for m in messages(f))


def test_a_region_does_not_see_behind_it() -> None:
    f, b = function(ArrayType(BOOL), VECTOR)
    x = f.params[1]
    later = Op("exp", (x,), {}, (VECTOR,))
    then, other = Block(), Block()
    then.results = other.results = (later.result,)
    b.append("if", (f.params[0],), {}, (then, other), (VECTOR,))
    f.ops.append(later)
    assert any("yields" in m for m in messages(f))


def test_an_operation_that_stands_twice() -> None:
    f, b = function(VECTOR)
    b.exp(f.params[0])
    f.ops.append(f.ops[0])
    assert any("defined twice" in m for m in messages(f))


def test_owners() -> None:
    f, b = function(VECTOR)
    b.exp(f.params[0])
    f.ops[0].results = (Value(VECTOR, None),)
    assert any("another owner" in m for m in messages(f))
    g, _ = function(VECTOR)
    g.body.params = f.params
    assert any("another owner" in m for m in messages(g))


def test_types_that_the_rule_does_not_give() -> None:
    f, b = function(VECTOR)
    b.exp(f.params[0])
    f.ops[0].result.type = ArrayType(F64, (4,))
    assert messages(f) == ["exp gives [f64[3]], declared [f64[4]]"]


@pytest.mark.parametrize("change, message", [
    (lambda op: setattr(op, "name", "expp"), "unknown operation"),
    (lambda op: op.attrs.update(axis=1), "attributes"),
    (lambda op: setattr(op, "operands", op.operands * 2), "2 operands"),
    (lambda op: setattr(op, "regions", (Block(),)), "1 regions"),
])
def test_declarations(change, message: str) -> None:
    f, b = function(VECTOR)
    b.exp(f.params[0])
    change(f.ops[0])
    assert message in messages(f)[0]


def test_extents() -> None:
    f, b = function(VECTOR, INDEX)
    n = b.add(f.params[1], f.params[1])
    b.slice(f.params[0], starts=(0,), sizes=(n,), steps=(1,))
    verify(f)
    f.ops.reverse()  # the extent is defined behind its use
    assert any("no index value defined before" in m for m in messages(f))
    assert any("uses" in m for m in messages(f))


def test_attributes_of_the_wrong_kind_are_errors_of_the_ir() -> None:
    """What is built wrong is reported beside the operation, whatever the type rule trips over."""
    f, b = function(VECTOR)
    b.sum(f.params[0], axes=(0,))
    f.ops[0].attrs["axes"] = None
    with pytest.raises(IRError, match="sum"):
        verify(f)


def test_every_error_is_listed_with_the_users_line() -> None:
    f, b = function(VECTOR)
    b.exp(f.params[0])
    b.sin(f.params[0])
    for op in f.ops:
        op.result.type = ArrayType(I64, (3,))
    with pytest.raises(IRError) as e:
        verify(f)
    assert "exp (model.py:4): exp gives [f64[3]], declared [i64[3]]" in str(e.value)
    assert "sin (model.py:4): sin gives" in str(e.value)
    assert "func @f(" in str(e.value)
