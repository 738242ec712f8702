"""Print the IR of a function at one stage of its compilation.

    gradjit ir model.py:loss --arg 'f64[1000]' --stage adjoint
"""

from __future__ import annotations

import argparse

import numpy as np

from . import arguments, console, load

HELP = "print the IR of a function at one stage of its compilation"
STAGES = {"traced": None, "adjoint": None, "optimized": None, "buffers": None, "loops": None, "llvm": "llvm",
          "asm": "gas"}
"""Each stage with the language that its text is coloured as; None for gradjit's own."""
TRANSFORMS = ("value_and_grad", "grad", "jit")


def options(p: argparse.ArgumentParser) -> None:
    target(p)
    p.add_argument("--stage", choices=STAGES, default="adjoint", help="(default: %(default)s)")
    p.add_argument("--of", choices=TRANSFORMS, default="value_and_grad",
                   help="what is compiled of a plain function (default: %(default)s); jit is the function itself")


def target(p: argparse.ArgumentParser) -> None:
    """The options that say which function on which arguments."""
    p.add_argument("function", metavar="FILE.py:FUNCTION")
    p.add_argument("--arg", action="append", default=[], metavar="SPEC",
                   help="a positional argument, in order: f64[1000], f64[3,4](0.5,2), 2.0, [f64[3],f64[]], data.npy")
    p.add_argument("--argnums", type=numbers, default=0, metavar="N[,N]", help="differentiated arguments (default: 0)")
    p.add_argument("--seed", type=seed, default=0, help="of the sample data (default: 0)")


def numbers(text: str) -> int | tuple[int, ...]:
    """`0` or `0,2`."""
    found = tuple(int(part) for part in text.split(","))
    return found[0] if len(found) == 1 else found


def seed(text: str) -> int:
    """A number of NumPy's generators."""
    if (n := int(text)) < 0:
        raise ValueError
    return n


def command(o: argparse.Namespace) -> int:
    import gradjit as gj
    from gradjit.api.compiled import Compiled

    f = load.function(o.function)
    rng = np.random.default_rng(o.seed)
    args = [arguments.read(text, rng) for text in o.arg]
    if not isinstance(f, Compiled):
        load.arity(f, args)
        f = gj.jit(f) if o.of == "jit" else getattr(gj, o.of)(f, argnums=o.argnums)
    console.code(str(f.ir(*args, stage=o.stage)), STAGES[o.stage])
    return 0
