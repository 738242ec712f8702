"""Commands, their options, and what becomes of their errors.

Exit status: 0, or 1 when the answer is bad news (a gradient is wrong, the function cannot be compiled), or 2 when the
command was not understood (no such file, function or option, an argument that cannot be read).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from ..errors import GradjitError
from . import build, cache, check, console, ir, run, version
from .usage import UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        status = command(options)
        sys.stdout.flush()  # while what a reader who has gone makes of it is still seen here
        return status
    except UsageError as e:
        console.error(str(e))
        return 2
    except (GradjitError, AssertionError) as e:  # an assertion of the program's
        if options.traceback:
            raise
        console.error(f"{type(e).__name__}: {users(str(e))}")
        return 1
    except BrokenPipeError:
        # The reader (head, less) has what it wanted; keep Python from complaining when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as e:  # of the user's function, most likely
        if options.traceback:
            raise
        console.error(f"{type(e).__name__}: {console.one_line(e)} (--traceback, in front of the command, shows where)")
        return 1


def users(message: str) -> str:
    """The message without the place where this command was started, which is no line of the user's."""
    started = tuple(f'  File "{path}"' for path in (sys.argv[0], os.path.abspath(sys.argv[0])))
    return "\n".join(line for line in message.splitlines() if not line.startswith(started))


class CommandLineParser(argparse.ArgumentParser):
    """Says in one line what it did not understand."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split()):.400} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    p = CommandLineParser(prog="gradjit", description="Compiled NumPy functions with derivatives.")
    p.add_argument("--traceback", action="store_true", help="show Python's traceback of gradjit's errors")
    commands = p.add_subparsers(required=True, metavar="COMMAND")
    for name, module in (("ir", ir), ("check", check), ("run", run), ("build", build), ("cache", cache),
                         ("version", version)):
        c = commands.add_parser(name, help=module.HELP, description=module.__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
        module.options(c)
        c.set_defaults(command=module.command)
    demo = commands.add_parser("demo", help="train a classifier on handwritten digits with compiled gradients")
    demo.add_argument("--output", default="build/demo", metavar="DIR", help="for picture and IR (%(default)s)")
    demo.set_defaults(command=_demo)
    return p


def _demo(options: argparse.Namespace) -> int:
    from .. import demo
    try:
        return demo.main(options.output)
    except demo.MissingPackage as e:
        raise UsageError(str(e)) from e
    except OSError as e:
        raise UsageError(f"cannot write to {options.output}: {console.one_line(e)}") from e
