"""Lifting: the user's function, rewritten so that what NumPy's protocols do not carry goes through the tracer.

The syntax tree is rewritten and compiled with the user's file name and lines, so that tracebacks show the user's text:

    f(x, *a, k=v)     -->  _gj.call(f, x, *a, k=v)
    name              -->  _gj.local(name), _gj.cell("name") or _gj.glob("name")
    obj.name          -->  _gj.attr(obj, "name")
    obj[key]          -->  _gj.item(obj, key)
    x + y, -x         -->  _gj.binary("add", x, y), _gj.unary("neg", x)
    x += v            -->  x = _gj.aug(_gj.local(x), "iadd", v)
    obj.name += v     -->  _gj.aug_attr(obj, "name", "iadd", v)
    obj[key] += v     -->  _gj.aug_item(obj, key, "iadd", v)
    obj.name = v      -->  _gj.set_attr(v, obj, "name")
    obj[key] = v      -->  _gj.set_item(v, obj, key)
    [x, y], {k: v}    -->  _gj.made([x, y])
    name = v          -->  name = _gj.rebound(v, "name")      where the name is global, or the original's nonlocal
    x, *rest = v      -->  x, *rest = _gj.iterated(v); _gj.made(rest)         so, too, **kw and patterns of `match`

Every expression that can bring in an array from outside is a name, an attribute, a subscript or a call; so no array
from outside is ever computed with unseen. `_gj` is an extra free variable of the lifted code (`hooks.Hooks`): the
user's globals are not touched. Loops, branches, `and`, `or`, `not`, chained comparisons, `assert`: see control/.
"""

from __future__ import annotations

import ast
import collections
import copy
import re
import types
from collections.abc import Callable, Sequence
from typing import Any

from ..bounded import Bounded
from ..probe import code_of
from . import kept_rewritings
from .bound_names import BoundNames
from .control.jumps import beginning, holds
from .control.lift_statements import LAZY, Rewrites, prepared
from .control.names import Site, sites_in
from .kept_rewritings import Rewriting
from .locations import is_internal
from .proof import Definition, compiled
from .purity import Place, Reads, place_of_code, reads_in
from .source import definition, parameter_names
from .syntax import Transformer, placed, walk
from .targets import OPERATORS, Assignments, as_list, behind_docstring, in_pattern, of_function, starred

HOOKS = "_gradjit"
"""The name of the extra free variable; written _gj above."""
_PLAIN_CALLS = frozenset({"locals", "vars", "dir", "eval", "exec", "globals"})
"""Builtins that look at the frame which calls them."""


_CONSUMING = frozenset("sum list max min sorted tuple".split())  # Python's names, not operations'
"""Builtins that take all items of a generator: it may as well be a list."""
_CONSUMING_OF = frozenset(["math.fsum", "math.prod", *(f"statistics.{f}" for f in (
    "mean", "fmean", "median", "pvariance", "variance", "pstdev", "stdev", "geometric_mean", "harmonic_mean"))])
"""The same of modules, by the names that these have."""
_DECIDING = frozenset({"any", "all"})  # Python's names, not operations'
"""Builtins that stop at the first item that decides."""
ITEMS = "_gradjit_items"
"""The parameter of a comprehension as a function."""


_lifted: Bounded[tuple[str, types.CodeType, frozenset[str]], types.CodeType] = Bounded(4096)
"""Rewritten code."""


class Product:
    """The last constant of all code that lifting made (nested functions included). It holds the loops and branches that
    the code names, and what its functions read."""

    def __init__(self, sites: tuple[Site, ...], reads: dict[Place, Reads | None]):
        self.sites, self.reads = sites, reads


_INSTALLED = re.compile(r".*[/\\]site-packages[/\\][^/\\]+")
_admitted: set[str] = set()
_WRAPPERS_FILE, _WRAPPERS = collections.__file__, ("UserList", "UserDict")
"""Classes of the standard library's that are there to be derived from, and written in Python as a user would."""
"""Installed packages (their directories) whose functions were given to gradjit: they are the user's, too."""


def is_user_code(code: types.CodeType) -> bool:
    """Whether code is the user's own: outside of gradjit, the standard library and installed packages."""
    if is_internal(code.co_filename):
        return code.co_filename == _WRAPPERS_FILE and code.co_qualname.partition(".")[0] in _WRAPPERS
    package = _INSTALLED.match(code.co_filename)
    return package is None or package.group() in _admitted


def admit(f: Any) -> None:
    """A function that the user wants compiled: what its package holds is lifted even if the package is installed."""
    code = code_of(f)
    package = _INSTALLED.match(code.co_filename) if code is not None else None
    if package is not None:
        _admitted.add(package.group())


def is_product(code: types.CodeType) -> bool:
    """Whether lifting made this code."""
    return bool(code.co_consts) and type(code.co_consts[-1]) is Product


def reads_of(code: types.CodeType) -> Reads | None:
    """What a function reads whose lifted code this is, if it does nothing but compute."""
    if not is_product(code):
        return None
    product: Product = code.co_consts[-1]
    return product.reads.get(place_of_code(code))


def lifted(f: types.FunctionType, hooks: Callable[[types.FunctionType], Any],
           flagged: frozenset[str] = frozenset()) -> types.FunctionType:
    """The function to run instead of `f` while tracing: with rewritten code where there is source, else `f` itself.

    It has f's defaults, globals and closure cells (not copies), name and docstring. `hooks(f)` makes the object that
    the rewritten code calls.

    flagged: names for which the rewritten code notes whether they are bound (control/bound_flags.py).
    """
    code = f.__code__
    if is_product(code):
        return f
    key = (code.co_filename, code, flagged)  # equal code objects of two files are not the same
    new = _lifted.get(key)
    if new is None:
        new = _rewritten(code, f.__qualname__, flagged)
        if new is None:
            return f
        _lifted.put(key, new)
    cells = dict(zip(code.co_freevars, f.__closure__ or (), strict=True))
    cells[HOOKS] = types.CellType(hooks(f))
    g = types.FunctionType(new, f.__globals__, f.__name__, f.__defaults__,
                           tuple(cells[name] for name in new.co_freevars))
    g.__kwdefaults__ = f.__kwdefaults__
    g.__qualname__, g.__module__, g.__doc__ = f.__qualname__, f.__module__, f.__doc__
    g.__dict__.update(f.__dict__)
    return g


def _rewritten(code: types.CodeType, qualname: str, flagged: frozenset[str]) -> types.CodeType | None:
    label = " ".join((qualname, *sorted(flagged)))
    rewriting = kept_rewritings.found(code, label)
    if rewriting is None:
        rewriting = _rewriting(code, qualname, flagged)
        if rewriting is None:
            return None
        kept_rewritings.keep(code, label, rewriting)
    new, sites, reads = rewriting
    return _marked(new, Product(tuple(sites.values()), reads))


def _rewriting(code: types.CodeType, qualname: str, flagged: frozenset[str]) -> Rewriting | None:
    node = definition(code)
    if node is None or isinstance(node, ast.AsyncFunctionDef):
        return None
    reads = reads_in(node)
    tree = _Lift(code, _enclosing_classes(qualname), flagged).function(node)
    found = compiled(tree, code, (*code.co_freevars, HOOKS))
    if found is None or not set(found.co_freevars) <= {*code.co_freevars, HOOKS}:
        return None
    return found.replace(co_qualname=qualname), sites_in(tree), reads


def _marked(code: types.CodeType, product: Product) -> types.CodeType:
    constants: list[Any] = [_marked(c, product) if isinstance(c, types.CodeType) else c for c in code.co_consts]
    return code.replace(co_consts=(*constants, product))


def _enclosing_classes(qualname: str) -> list[str]:
    """The innermost class around a definition, which private names are mangled with.

    In `A.method.<locals>.g` each part between `<locals>` ends in a function, and what stands before it are classes.
    """
    for part in reversed(qualname.split(".<locals>.")):
        classes = part.split(".")[:-1]
        if classes:
            return classes[-1:]
    return []


class _Lift(Assignments, Rewrites, Transformer):
    """Rewrites one function. `scopes` are the names bound by it and by the functions nested around the current node."""

    def __init__(self, code: types.CodeType, classes: list[str], flagged: frozenset[str] = frozenset()):
        self.flagged = flagged
        """Names for which the program notes whether they are bound."""
        self.classes = classes
        """The classes around the current node, innermost last: their names are part of private ones."""
        self.free = set(code.co_freevars)
        self.first = code.co_varnames[0] if code.co_argcount else None
        self.scopes: list[BoundNames] = []
        self.protocols = 0

    # hooks ----------------------------------------------------------------------------------------------------------
    def hook(self, at: ast.AST, name: str, *args: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.Call:
        """`_gj.name(args)`, at the place of `at`."""
        where = beginning(ast.Name(HOOKS, ast.Load()), at)
        func = beginning(ast.Attribute(where, name, ast.Load()), at)
        return placed(ast.Call(func, list(args), keywords or []), at)

    def text(self, at: ast.AST, value: str) -> ast.Constant:
        return placed(ast.Constant(value), at)

    # scopes ---------------------------------------------------------------------------------------------------------
    def function(self, node: Definition) -> Definition:
        """The rewritten definition of the outermost function."""
        if isinstance(node, ast.Lambda):
            self.lambda_body(node)
        else:
            node.body = self.body(node)
        return node

    def lambda_body(self, node: ast.Lambda) -> None:
        """Rewrites what a lambda computes. Its scope stays the innermost one."""
        self.scopes.append(BoundNames(node.args, [node.body]))
        node.body = self.behind(of_function(node.args), self.visit(node.body))

    def behind(self, names: Sequence[str], value: ast.expr) -> ast.expr:
        """The same before an expression: `(_gj.made(kw), value)[-1]`."""
        if not names:
            return value
        told = [s.value for s in self.made_here(value, names) if isinstance(s, ast.Expr)]
        both = placed(ast.Tuple([*told, value], ast.Load()), value)
        return placed(ast.Subscript(both, placed(ast.Constant(-1), value), ast.Load()), value)

    def body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
        """The rewritten body. Its scope stays the innermost one."""
        outer = BoundNames(node.args, list(node.body))
        free = {n for n in outer.declared_nonlocal if any(n in s.bound for s in self.scopes)}
        is_shared = bool(outer.rebound_within(list(node.body)))
        stmts = prepared(list(node.body), sorted(outer.bound | free), [*parameter_names(node.args), *free],
                         self.flagged)
        self.scopes.append(BoundNames(node.args, list(stmts)))
        made = [*self.region_here(node, is_shared), *self.made_here(node, of_function(node.args))]
        return behind_docstring(self.statements(stmts), made)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> list[ast.AST]:
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        self.defaults(node.args)
        node.body = self.body(node)
        self.scopes.pop()
        node.returns = None
        return [*self.rebinding(node, node.name), node]

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.defaults(node.args)
        self.lambda_body(node)
        self.scopes.pop()
        return node

    def defaults(self, args: ast.arguments) -> None:
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [d and self.visit(d) for d in args.kw_defaults]
        for a in walk(args):
            if isinstance(a, ast.arg):
                a.annotation = None

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class defined inside the function: what its body computes from outside is seen, its methods are lifted."""
        node.decorator_list = [self.hook(node, "made").func, *(self.visit(d) for d in node.decorator_list)]
        node.bases = [self.visit(b) for b in node.bases]
        scope = BoundNames(None, list(node.body))
        scope.is_class = True
        self.scopes.append(scope)
        self.classes.append(node.name)
        for n in node.body:
            if isinstance(n, ast.FunctionDef):
                self.visit(n)
            elif isinstance(n, (ast.Assign, ast.AnnAssign)) and n.value is not None:
                n.value = self.visit(n.value)
        self.classes.pop()
        self.scopes.pop()
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """`[e for x in items if c]`: over a long sequence a loop. It is passed as two functions, one of the sequence,
        `lambda items: [e for x in items if c]`, and one of an item, `lambda x: [(c, lambda: e) for x in (x,)][0]`."""
        if not self.is_simple(node):
            return self.comprehension(node)
        return self.hook(node, "listed", self.line(node), *self.by_item(node))

    def is_simple(self, node: ast.ListComp | ast.GeneratorExp) -> bool:
        return len(node.generators) == 1 and not node.generators[0].is_async and not holds([node], LAZY)

    def by_item(self, node: ast.ListComp | ast.GeneratorExp) -> list[ast.expr]:
        """What a comprehension runs over, the two functions, and whether it has a condition."""
        items = self.visit(node.generators[0].iter)
        name = placed(ast.Name(ITEMS, ast.Load()), node)
        whole = copy.deepcopy(node)
        each = placed(ast.ListComp(copy.deepcopy(node.elt), copy.deepcopy(node.generators)), node)
        whole.generators[0].iter = name
        generator = each.generators[0]
        generator.iter = placed(ast.Tuple([name], ast.Load()), node)
        tests, generator.ifs = generator.ifs, []
        test = tests[0] if len(tests) == 1 else placed(
            ast.BoolOp(ast.And(), tests) if tests else ast.Constant(True), node)
        none = ast.arguments([], [], None, [], [], None, [])
        parts: list[ast.expr] = [test, placed(ast.Lambda(none, each.elt), node)]
        each.elt = placed(ast.Tuple(parts, ast.Load()), node)
        functions = [self.of_items(n) for n in (whole, each)]
        condition: Any = each.elt
        if tests:
            condition.elts[0] = self.hook(tests[0], "condition", condition.elts[0])
        chooses = placed(ast.Constant(bool(tests)), node)
        return [items, *functions, chooses]

    def of_items(self, node: ast.ListComp | ast.GeneratorExp) -> ast.Lambda:
        """A comprehension over a name as a function of that."""
        parameters = ast.arguments([], [placed(ast.arg(ITEMS), node)], None, [], [], None, [])
        self.scopes.append(BoundNames(parameters, []))
        body = self.comprehension(node)
        self.scopes.pop()
        made: ast.Lambda = placed(ast.Lambda(parameters, _expression(body)), node)
        return made

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self.comprehension(node)

    def comprehension(self, node: Any) -> ast.AST:
        targets = [g.target for g in node.generators]
        node.generators[0].iter = self.over(node.generators[0].iter)
        self.scopes.append(BoundNames(None, targets))
        self.scopes[-1].starred |= set(starred(targets))
        for k, g in enumerate(node.generators):
            g.iter = g.iter if k == 0 else self.over(g.iter)
            g.ifs = [self.hook(i, "tested", self.visit(i)) for i in g.ifs]
        for name in ("elt", "key", "value"):
            if hasattr(node, name):
                setattr(node, name, self.visit(getattr(node, name)))
        self.scopes.pop()
        return self.hook(node, "made", node)

    visit_SetComp = visit_DictComp = comprehension

    def over(self, node: ast.expr) -> ast.Call:
        """An expression that is iterated over."""
        return self.hook(node, "iterated", self.visit(node))

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        node.value = self.over(node.value) if isinstance(node.ctx, ast.Load) else self.visit(node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        op = OPERATORS[type(node.op)][1:]
        return self.hook(node, "binary", self.text(node, op), self.visit(node.left), self.visit(node.right))

    def visit_With(self, node: ast.With) -> ast.AST:
        for item in node.items:
            line = placed(ast.Constant(node.lineno), node)
            item.context_expr = self.hook(item.context_expr, "context", self.visit(item.context_expr), line)
            if item.optional_vars:
                target, node.body = self.with_plain_target(item.optional_vars, node.body)
                item.optional_vars = self.visit(target)
        names = starred(item.optional_vars for item in node.items)
        node.body = [*self.made_here(node, names), *self.statements(node.body)]
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """An f-string: a call with its pieces, the fields as (value, conversion, format)."""
        return self.hook(node, "fstring", *map(self.piece, node.values))

    def piece(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.FormattedValue):
            return node
        value = self.hook(node, "looked_at", self.visit(node.value))
        conversion = self.text(node, chr(node.conversion) if node.conversion > 0 else "")
        spec = self.visit(node.format_spec) if node.format_spec is not None else self.text(node, "")
        return placed(ast.Tuple([value, conversion, spec], ast.Load()), node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self.hook(node, "taken_apart", self.visit(node.subject))
        node.cases = [self.visit(c) for c in node.cases]
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST | list[ast.AST]:
        places = [(a.asname, a.name) if a.asname else (a.name.partition(".")[0],) * 2 for a in node.names]
        return [*(self.importing(node, a.name) for a in node.names), node,
                *(self.noted(node, name, module, "") for name, module in places)]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.AST]:
        if node.level:
            return node
        names = [a.name for a in node.names]
        return [self.importing(node, node.module or "", *names), node,
                *(self.noted(node, a.asname or a.name, node.module or "", a.name) for a in node.names)]

    def importing(self, node: ast.AST, *names: str) -> ast.AST:
        """A module and what is asked of it, told before the import: it may not be there."""
        return placed(ast.Expr(self.hook(node, "importing", *(self.text(node, n) for n in names))), node)

    def noted(self, node: ast.AST, name: str, module: str, attribute: str) -> ast.AST:
        """The name that an import has bound, with a guard for the place that it came from."""
        load = placed(ast.Name(name, ast.Load()), node)
        made = self.hook(node, "imported", load, self.text(node, module), self.text(node, attribute))
        return placed(ast.Assign([placed(ast.Name(name, ast.Store()), node)], made), node)

    def display(self, node: Any) -> ast.AST:
        """A list, dict or set that is written out."""
        self.generic_visit(node)
        is_target = isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))
        return node if is_target else self.hook(node, "made", node)

    visit_List = visit_Set = display

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        node.values = [self.visit(v) if k else self.spread(v) for k, v in zip(node.keys, node.values, strict=True)]
        node.keys = [k and self.visit(k) for k in node.keys]
        return self.hook(node, "made", node)

    def spread(self, node: ast.expr) -> ast.Call:
        """A mapping behind `**`."""
        return self.hook(node, "mapping", self.visit(node))

    # expressions ----------------------------------------------------------------------------------------------------
    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            return node
        for s in reversed(self.scopes):
            if node.id in s.bound and (not s.is_class or s is self.scopes[-1]):
                return self.hook(node, "made" if node.id in s.starred else "local", node)
            if node.id in s.declared_global:
                break
        else:
            if node.id in self.free:
                return self.hook(node, "cell", self.text(node, node.id))
        return self.hook(node, "glob", self.text(node, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.value = self.visit(node.value)
        if not isinstance(node.ctx, ast.Load):
            return node
        return self.hook(named(node, node), "attr", node.value, self.text(node, self.mangled(node.attr)))

    def mangled(self, name: str) -> str:
        """A private name as the compiler makes it within a class."""
        is_private = name.startswith("__") and not name.endswith("__") and self.classes
        return f"_{self.classes[-1].lstrip('_')}{name}" if is_private else name

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        node.value, node.slice = self.visit(node.value), self.visit(node.slice)
        return self.hook(node, "item", node.value, node.slice) if isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in _PLAIN_CALLS:
            return self.plain_call(node, node.func.id)
        if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args and not node.keywords:
            return self.bare_super(node)
        first = node.args[0] if node.args and not node.keywords else None
        searched = first if isinstance(first, ast.GeneratorExp) and self.is_simple(first) else None
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _DECIDING and searched is not None and len(node.args) == 1:
            return self.hook(node, "decided", self.visit(node.func), *self.by_item(searched))
        if name == "next" and searched is not None:
            return self.hook(node, "first", self.line(node), self.visit(node.func), *self.by_item(searched),
                             *map(self.visit, node.args[1:]))
        place = named(node, node.func)
        if node.args and isinstance(node.args[0], ast.GeneratorExp) and (
                name in _CONSUMING or ast.unparse(node.func) in _CONSUMING_OF):
            g = node.args[0]
            node.args[0] = placed(ast.ListComp(g.elt, g.generators), g)
        func = self.visit(node.func)
        args = [self.visit(a) for a in node.args]
        keywords = [placed(ast.keyword(k.arg, self.visit(k.value) if k.arg else self.spread(k.value)), k)
                    for k in node.keywords]
        return self.hook(place, "call", func, *args, keywords=keywords)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """A call for its effect: nobody reads what it gives."""
        node.value = self.visit(node.value)
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "call":
            node.value.func.attr = "call_for_effect"  # type: ignore[attr-defined]
        return node

    def plain_call(self, node: ast.Call, name: str) -> ast.AST:
        """A builtin that looks at the frame which calls it, or at what it is given."""
        if name in ("vars", "dir") and node.args:
            return self.hook(node, "call", self.visit(node.func), *map(self.visit, node.args))
        if name == "globals":
            return self.hook(node, "global_names", node)
        if name in ("eval", "exec") and node.args:
            given = self.hook(node, "evaluated", self.text(node, name), *map(self.visit, node.args))
            node.args = [placed(ast.Starred(given, ast.Load()), node)]
        return node

    def bare_super(self, node: ast.Call) -> ast.AST:
        """`super()` finds class and instance in the frame; here they are named."""
        if self.first is None or len(self.scopes) > 1:
            return node
        node.args = [placed(ast.Name(n, ast.Load()), node) for n in ("__class__", self.first)]
        return node

    # statements -----------------------------------------------------------------------------------------------------
    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        """Patterns are no expressions: they stay as they are."""
        names = in_pattern(node.pattern)
        node.guard = node.guard and self.behind(names, self.visit(node.guard))
        node.body = [*self.made_here(node.body[0], names), *(s for n in node.body for s in as_list(self.visit(n)))]
        return node


def named(node: ast.expr, found: ast.expr) -> ast.expr:
    """The place of an expression that finds an attribute, or calls it: as Python has it, from the attribute's name on,
    which may stand some lines below the beginning."""
    if not isinstance(found, ast.Attribute) or found.lineno == found.end_lineno:
        return node
    place = placed(ast.Constant(None), node)
    assert found.end_lineno is not None and found.end_col_offset is not None
    place.lineno, place.col_offset = found.end_lineno, found.end_col_offset - len(found.attr.encode())
    return place


def _expression(x: ast.AST) -> ast.expr:
    assert isinstance(x, ast.expr)
    return x
