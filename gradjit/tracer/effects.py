"""Printing and assertions at run time, as the traced function asks for them."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, TraceError
from ..ir.ops.effects import formatted
from .array import TracedArray
from .control.recursion import answered
from .locations import fail
from .operands import as_traced, captured, emit
from .outside import is_data_array
from .recorder import current


def debug_print(form: str, xs: Sequence[Any], adjoint: bool) -> list[Any]:
    """Print while the compiled function runs. Gives the values, which print their cotangents where `adjoint` asks."""
    xs = [captured(x) if is_data_array(x) else x for x in xs]
    check_format(form, xs)
    traced = [x for x in xs if isinstance(x, TracedArray)]
    current().append("debug_print", tuple(x.value for x in traced), {"format": remaining(form, xs)})
    if not adjoint:
        return list(xs)
    fields = field_texts(form, len(xs))
    return [probe(x, f"adjoint {field}") if isinstance(x, TracedArray) else x
            for x, field in zip(xs, fields, strict=True)]


def probe(x: TracedArray, form: str) -> TracedArray:
    """x, whose cotangent is printed."""
    if not x.ir_dtype.is_inexact:
        fail(TraceError, f"gj.debug_print(..., adjoint=True) of {x.type}: integers and booleans have no derivative; "
                         f"print them by a call of their own")
    return x if x.is_known else emit("probe", x, kind=x.kind, format=form)


def check_format(form: str, xs: Sequence[Any]) -> None:
    """ArgumentError where the format does not fit the values, as far as their types tell."""
    samples = [np.ones([n if isinstance(n, int) else 1 for n in x.extents], x.dtype)
               if isinstance(x, TracedArray) else x for x in xs]
    try:
        formatted(form, samples)
    except (LookupError, ValueError, TypeError, AttributeError) as e:
        fail(ArgumentError, f"gj.debug_print: the format {form!r} does not fit what is printed: {e}")


def remaining(form: str, xs: Sequence[Any]) -> str:
    """The format for the traced values alone, with the others written into it."""
    places = [k for k, x in enumerate(xs) if isinstance(x, TracedArray)]
    out, automatic = "", 0
    for text, name, spec, conversion in string.Formatter().parse(form):
        out += text.replace("{", "{{").replace("}", "}}")
        if name is None:
            continue
        first = name.partition(".")[0].partition("[")[0]
        if not first:
            first, name, automatic = str(automatic), f"{automatic}{name}", automatic + 1
        whole = "{" + name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
        if int(first) in places:
            out += whole.replace(first, str(places.index(int(first))), 1)
        else:
            out += formatted(whole, xs).replace("{", "{{").replace("}", "}}")
    return out


def field_texts(form: str, count: int) -> list[str]:
    """For each value its field in the format, with the text before it: "x = {}, y = {:.3f}" has "x = {}" and
    "y = {:.3f}"."""
    found = ["{}"] * count
    automatic = 0
    for text, name, spec, conversion in string.Formatter().parse(form):
        if name is None:
            continue
        first = name.partition(".")[0].partition("[")[0]
        if not first:
            first, automatic = str(automatic), automatic + 1
        before = text.rpartition("\n")[2].lstrip(" ,;|").replace("{", "{{").replace("}", "}}")
        field = "{" + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
        found[int(first)] = before + field
    return found


def check(condition: TracedArray, message: Callable[[], Any]) -> None:
    """`assert condition, message()` at run time, if assertions are checked. The condition is a bool; the message is
    made while tracing."""
    if not current().checking:
        return
    if (sure := answered()) is not None:
        condition = as_traced(np.logical_or(condition, np.logical_not(sure)))
    text = message()
    said = "assertion failed" if text is None else str(text)
    current().append("assert", (condition.value,), {"message": said})
