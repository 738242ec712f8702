"""The library as a whole: its table, `emit`, and where its coefficients come from."""

from __future__ import annotations

import importlib

import mpmath
import pytest

from gradjit.codegen import llvm
from gradjit.codegen.vecmath import FUNCTIONS, emit
from tests.vecmath.fits import TABLES
from tests.vecmath.minimax import PRECISION, fit


def _table(name: str, bits: int) -> tuple[float, ...]:
    module, attribute = name.split(".")
    table = getattr(importlib.import_module(f"gradjit.codegen.vecmath.{module}"), attribute)
    return table if isinstance(table[0], float) else table[0 if bits == 53 else 1]


TASKS = [pytest.param(name, bits, id=f"{name}-{bits}") for name, fits in TABLES.items() for bits in fits]


@pytest.mark.slow
@pytest.mark.parametrize("name, bits", TASKS)
def test_coefficients_are_the_fits(name: str, bits: int) -> None:
    coefficients, _ = fit(TABLES[name][bits])
    assert tuple(map(float, coefficients)) == _table(name, bits)


@pytest.mark.thinned
@pytest.mark.parametrize("name, bits", TASKS)
def test_coefficients_approximate(name: str, bits: int) -> None:
    """To an error that leaves the function's last bit alone, a third of an ulp at most; pow needs more."""
    task, coefficients = TABLES[name][bits], _table(name, bits)
    other = {"power.ATANH_FROM_5TH": -70, "power.LOG2_SINGLE": -36, "power.EXP2_SINGLE": -28, "power.INVERSE_CBRT": -11}
    allowed = mpmath.mpf(2) ** other.get(name, -55 if bits == 53 else -26)
    with mpmath.workprec(PRECISION):
        for k in range(101):
            x = task.low + (task.high - task.low) * mpmath.mpf(k) / 100
            error = task.weight(x) * abs(task.f(x) - mpmath.polyval([mpmath.mpf(c) for c in coefficients[::-1]], x))
            assert error <= allowed


def _builder(*types: llvm.Type) -> tuple[llvm.IRBuilder, tuple[llvm.Argument, ...]]:
    function = llvm.Function(llvm.Module(), llvm.FunctionType(llvm.VoidType(), types), "f")
    return llvm.IRBuilder(function.append_basic_block()), function.args


@pytest.mark.parametrize("lanes", [llvm.DoubleType(), llvm.FloatType(), llvm.VectorType(llvm.DoubleType(), 8)], ids=str)
def test_emit(lanes: llvm.Type) -> None:
    builder, args = _builder(lanes, lanes)
    assert emit("exp", builder, args[0]).type == lanes
    assert emit("pow", builder, *args).type == lanes
    builder.ret_void()
    assert "fast" not in str(builder.module)


def test_emit_refuses() -> None:
    builder, args = _builder(llvm.DoubleType(), llvm.FloatType())
    with pytest.raises(ValueError, match="pow: operands of different types: double, float"):
        emit("pow", builder, *args)
    with pytest.raises(KeyError, match="no_such_function"):
        emit("no_such_function", builder, args[0])


def test_table_is_complete() -> None:
    """Each function of each family is in the joined table, and no two families have one name."""
    families = [importlib.import_module(f"gradjit.codegen.vecmath.{family}")
                for family in ("exponential", "logarithm", "power", "trigonometric", "special")]
    assert sum(len(f.FUNCTIONS) for f in families) == len(FUNCTIONS)
    assert all(FUNCTIONS[name] is fn for f in families for name, fn in f.FUNCTIONS.items())


def test_the_error_of_every_function_is_bounded() -> None:
    tests = [importlib.import_module(f"tests.vecmath.test_{family}")
             for family in ("exponential", "logarithm", "power", "special", "trigonometric")]
    of_two = {"logaddexp", "logaddexp2"}  # tried by themselves in test_logarithm.py
    assert set(FUNCTIONS) - of_two <= {case.name for module in tests for case in module.CASES}
