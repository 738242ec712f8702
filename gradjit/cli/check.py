"""Check a function's compiled gradients against finite differences.

    gradjit check model.py:loss --arg 'f64[1000]'

The exit status is 0 if they agree and 1 if they do not.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import arguments, console, ir, load

HELP = "check a function's gradients against finite differences"


def options(p: argparse.ArgumentParser) -> None:
    ir.target(p)


def command(o: argparse.Namespace) -> int:
    import gradjit as gj

    f = load.function(o.function)
    rng = np.random.default_rng(o.seed)
    args = [arguments.read(text, rng) for text in o.arg]
    load.arity(f, args)
    value, gradients = gj.value_and_grad(f, argnums=o.argnums)(*args)
    console.listing([("value", f"{value}"), *gradient_lines(args, gradients, o.argnums)])
    try:
        gj.check_grads(f, *args, argnums=o.argnums)
    except AssertionError as e:
        console.error(f"the gradients do not agree with finite differences\n{e}")
        return 1
    console.say("the gradients agree with finite differences")
    return 0


def gradient_lines(args: list[Any], gradients: Any, argnums: int | tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """For each differentiated argument its type and how long its gradient is."""
    numbers, found = ((argnums,), (gradients,)) if isinstance(argnums, int) else (argnums, gradients)
    for k, g in zip(numbers, found, strict=True):
        yield f"gradient {k}", f"{arguments.describe(args[k])}, length {length(g):.6g}"


def length(tree: Any) -> float:
    """The Euclidean norm of all numbers in a container."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return float(np.hypot.reduce([length(t) for t in tree])) if tree else 0.0
    return float(np.linalg.norm(np.ravel(tree)))
