"""Whether a definition is that of a code object: it is compiled, in a surrounding like the original's, and compared.

What is compared: the instructions, constants, names, and the table of lines and columns, nested functions included.
"""

from __future__ import annotations
import __future__

import ast
import copy
import dis
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType
from typing import Any

from .syntax import placed, walk

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_FUTURES = __future__.annotations.compiler_flag | __future__.barry_as_FLUFL.compiler_flag
"""Of the compiler's flags those that still change what it makes of a text."""


def is_that_of(node: Definition, code: CodeType, lines: Sequence[str]) -> bool:
    """Whether a definition in a text, without decorators, defaults and annotations, compiles to `code`."""
    return any(made is not None and is_same(made, code) for made in _made(node, code, lines))


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of the functions and classes in it."""
    yield code
    for c in code.co_consts:
        if isinstance(c, CodeType):
            yield from nested_codes(c)


def is_same(a: CodeType, b: CodeType) -> bool:
    """Whether two code objects do the same, in the same lines and columns. (`==` does not compare all of it in every
    version of Python; nor does this what they are called from outside: files and qualified names.)"""
    return _facts(a) == _facts(b)


_FACTS = ("co_name", "co_firstlineno", "co_flags", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_code",
          "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_linetable", "co_exceptiontable")


def _facts(code: CodeType) -> tuple[Any, ...]:
    return (*(getattr(code, name) for name in _FACTS), *map(_constant, code.co_consts))


def _constant(x: Any) -> Any:
    """A constant as what is equal only to itself: 1, 1.0 and True are not the same, nor are 0.0 and -0.0."""
    if isinstance(x, CodeType):
        return _facts(x)
    if isinstance(x, tuple):
        return tuple, *map(_constant, x)
    if isinstance(x, frozenset):
        return frozenset, frozenset(map(_constant, x))
    return type(x), repr(x) if isinstance(x, (float, complex)) else x


# the surrounding ------------------------------------------------------------------------------------------------------
def _made(node: Definition, code: CodeType, lines: Sequence[str]) -> Iterator[CodeType | None]:
    """The codes that the definition may have become, in a surrounding like that of `code`."""
    around = _around(code.co_qualname)
    body: list[Any] = [node]
    if code.co_flags & inspect.CO_NESTED and all(is_class for _, is_class in around):  # a function declared it global
        name = around[0][0] if around else code.co_name
        body, around = [ast.Global([name], lineno=1, col_offset=0), node], [("_", False), *around]
    module = _nested(body, node, around, code.co_freevars)
    imports = _imports(code)
    yield _compiled(ast.Module([*imports, *module.body], []), code, len(around))
    if rewrite := _rewriting(code, lines):
        module = copy.deepcopy(module)
        rewrite(module)
        yield _compiled(ast.Module([*imports, module.body[-1]], []), code, len(around))


def compiled(node: Definition, code: CodeType, free: Iterable[str]) -> CodeType | None:
    """The code of a definition that takes the place of `code` in its file, with these free variables.

    It stands in a function that has them, in a class where the original is a method: private names are mangled there
    as in the original. None where it does not compile.
    """
    around = [name for name, is_class in _around(code.co_qualname) if is_class][-1:]
    outer = [node] if isinstance(node, ast.Lambda) or node.name in code.co_freevars else [
        placed(ast.Global([node.name]), node), node]  # where it calls itself, it means the global name
    module = _nested(outer, node, [*((name, True) for name in around), ("_factory", False)], free)
    try:
        return _compiled(module, code, len(around) + 1)
    except TypeError:  # a node has no place: it stands where the definition does
        for n in walk(module):
            if "lineno" in n._attributes and not hasattr(n, "lineno"):
                placed(n, node)
        return _compiled(module, code, len(around) + 1)


def _around(qualname: str) -> list[tuple[str, bool]]:
    """The names of the functions and classes around a definition, outermost first, and which of them are classes."""
    *parts, _ = qualname.split(".")
    return [(name, parts[k + 1:k + 2] != ["<locals>"]) for k, name in enumerate(parts) if name != "<locals>"]


def _nested(body: Sequence[Any], node: Definition, around: Sequence[tuple[str, bool]],
            free: Iterable[str]) -> ast.Module:
    """A module with a definition in functions and classes of these names. The innermost function has variables `free`.
    """
    at: Any = {"lineno": node.lineno, "col_offset": node.col_offset, "end_lineno": node.lineno,
               "end_col_offset": node.col_offset}
    inside: list[ast.stmt] = [n if isinstance(n, ast.stmt) else ast.Expr(n, **at) for n in body]
    names = list(free)
    for name, is_class in reversed(around):
        if is_class:
            inside = [ast.ClassDef(name, [], [], inside, [], **at)]
        else:
            args = ast.arguments([], [ast.arg(n, **at) for n in names], None, [], [], None, [])
            inside, names = [ast.FunctionDef(name, args, inside, [], None, **at)], []
    return ast.Module(inside, [])


def _compiled(module: ast.Module, like: CodeType, depth: int) -> CodeType | None:
    """The code of the definition in such a module, below so many others."""
    try:
        made = compile(module, like.co_filename, "exec", flags=like.co_flags & _FUTURES, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for _ in range(depth + 1):
        (made,) = (c for c in made.co_consts if isinstance(c, CodeType))
    return made


# imported names -------------------------------------------------------------------------------------------------------
def _imports(code: CodeType) -> list[ast.stmt]:
    """`import name` for what the code's file may have imported, which the compiler treats in another way:

    `np.sin(x)` is then no call of a method of `np`. What is called so in the code has not been imported; of the other
    names it makes no difference.
    """
    names = {n for c in nested_codes(code) for n in (*c.co_names, *c.co_varnames, *c.co_cellvars, *c.co_freevars)}
    names.difference_update(*(_with_methods(c) for c in nested_codes(code)), ("super",))
    names = {n for n in names if n.isidentifier() or n.startswith("@")}
    aliases = [ast.alias("_", n, lineno=1, col_offset=0) for n in sorted(names)]
    return [ast.Import(aliases, lineno=1, col_offset=0)] if names else []


_NAMED = {op: n for n, op in dis.opmap.items()
          if n in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF") or "LOAD_FAST" in n}
"""Instructions that end with a variable on the stack."""


def _with_methods(code: CodeType) -> set[str]:
    """Names that stand directly before the call of a method."""
    found: set[str] = set()
    before: tuple[int, int] = 0, 0
    extended = 0
    for op, arg in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        if not op:  # a cache
            continue
        arg |= extended
        extended = arg << 8 if op == dis.EXTENDED_ARG else 0
        if op == dis.EXTENDED_ARG:
            continue
        if before[0] in _NAMED and op in _METHOD and (op != dis.opmap["LOAD_ATTR"] or arg & 1):
            found.add(_name(code, *before))
        before = op, arg
    return found


_METHOD = {dis.opmap["LOAD_METHOD"]} if sys.version_info < (3, 12) else {dis.opmap["LOAD_ATTR"]}


def _name(code: CodeType, op: int, arg: int) -> str:
    kind = _NAMED[op]
    if kind == "LOAD_GLOBAL":
        return code.co_names[arg >> 1]
    if kind == "LOAD_NAME":
        return code.co_names[arg]
    if kind.count("_FAST") == 2:  # two instructions in one
        arg &= 15
    return _slots(code)[arg]


def _slots(code: CodeType) -> tuple[str, ...]:
    """The names of a frame's slots: of local variables, of cells that are no parameters, of free variables."""
    return (*code.co_varnames, *(n for n in code.co_cellvars if n not in code.co_varnames), *code.co_freevars)


# tests under pytest ---------------------------------------------------------------------------------------------------
def is_rewritten_by_pytest(code: CodeType) -> bool:
    return any("@pytest_ar" in c.co_names for c in nested_codes(code))


def _rewriting(code: CodeType, lines: Sequence[str]) -> Callable[[ast.Module], Any] | None:
    """What has rewritten the syntax tree before it was compiled: pytest, the assertions of a test module.

    Its own rewriting of the text must give the code, then. Where a version of pytest has another interface, functions
    with assertions in test modules have no source.
    """
    pytest: Any = sys.modules.get("_pytest.assertion.rewrite")
    if pytest is None or not is_rewritten_by_pytest(code):
        return None
    config = next((h.config for h in sys.meta_path if type(h).__name__ == "AssertionRewritingHook"
                   and hasattr(h, "config")), None)

    return lambda module: pytest.rewrite_asserts(module, "".join(lines).encode(), code.co_filename, config)
