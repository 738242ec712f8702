"""Only a text that is proven to be the code's is lifted."""

from __future__ import annotations

import ast
import doctest
import importlib
import linecache
import os
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer import proof, source
from gradjit.tracer.source import definition, is_changed

X = np.array([0.5, 2.0, -1.0])


def module_of(text, path):
    """The module that a text makes."""
    m = types.ModuleType("made")
    exec(compile(text, str(path), "exec", dont_inherit=True), m.__dict__)
    return m


def codes(text, path):
    """All functions and lambdas in a text, however they are nested."""
    return [c for c in proof.nested_codes(compile(text, str(path), "exec", dont_inherit=True))
            if c.co_flags & 0x02 and (not c.co_name.startswith("<") or c.co_name == "<lambda>")]


# what has a source ----------------------------------------------------------------------------------------------------
TEXTS = {
    "decorated": """
        import functools
        @functools.lru_cache(
            maxsize=3)
        @staticmethod
        def f(x, y=(lambda: 3)(), *, k: int = 3) -> int:
            '''Says what it does.'''
            return x * y + k
        """,
    "nested": """
        import numpy as np
        def outer(a, b):
            c = a
            def f(x, *xs, **named):
                nonlocal c
                def g(y: int = 3, *, k=lambda: c):
                    return y + a + c + np.sin(x)
                return [g(v) for v in xs if v] + [f, named]
            return f
        """,
    "methods": """
        import numpy as np
        class _Base:
            k = 3
            def __secret(self, x): return x * self.__k * _Base.k
            class Inner(dict):
                def get(self, __key):
                    def deep(): return super(_Base.Inner, self).get(__key), __class__
                    return super().get(__key)
                make = lambda self, __x: [self.__secret for _ in __x]
            def __init__(self):
                super().__init__()
                self.__k = np.sum(np.ones(3))
        """,
    "method in a function": """
        def make(scale):
            class Net:
                '''A net.'''
                def go(self, x):
                    class Local:
                        v = scale
                    return x * scale * Local.v + self.__hidden
            return Net
        """,
    "recursive": """
        def f(n): return 1 if n == 0 else f(n - 1)
        def outer():
            def g(n): return 1 if n == 0 else g(n - 1)
            def h():
                global declared
                def declared(x): return declared(x)
                class C: pass
            return g
        """,
    "lambdas": """
        a = lambda x: x + 1; b = lambda x: x + 2; c = (lambda x: (lambda x: x + 1)(x), lambda y: (lambda x: x + 1))
        d = dict(f=lambda x:
                 x * 2
                 + 1, g=lambda x, y=lambda z: z: [lambda: x for y in x])
        """,
    "imports": """
        import numpy as np, os.path
        from math import sin
        try:
            import json as js
        except ImportError:
            js = None
        other = np
        def f(x): return np.sin(x) + other.cos(x) + os.path.join(x) + sin(x) + js.dumps(x) + sin.real.conjugate()
        def g(np, js): return np.sin(js.x(np)) + other.np.sin(3)
        """,
    "future": """
        from __future__ import annotations
        def f(x: Undefined):
            def g(y: AlsoUndefined) -> None: z: int = y
            return g
        """,
    "form feeds and tabs": "import numpy as np\n\x0c\ndef f(x):\n\tif x:\n\t\treturn np.sin(x)\n\x0c\n"
                           "\treturn (x +\n1)\nclass A:\n\x0c\n\tdef f(self):\n\t\treturn 'é' + \"\"\"\nlong\n\"\"\"\n",
    "many names": "def f(x):\n" + "".join(f"    v{k} = x.m{k}(y{k}.n())\n" for k in range(300)) + "    return x\n",
    "constants": """
        def f(x):
            a = 0.0, -0.0, 1, True, 1.0, None, ..., "s", b"s", 1e400, 2j, -2j, (1, (True, 1.0)), 10**30
            return x in {1, 2, "three"} and x[1:2, ::-1] and f"{x!r:>{a}} é" f"{a=}"
        """,
    "control flow": """
        async def f(x):
            async with x as y, y:
                await x
            try:
                yield x
            except* (ValueError, TypeError) as e:
                raise x from e
            finally:
                del x
        def g(x):
            match x:
                case {"a": [1, *rest], **more} if rest: return more
                case A(b=c) | [c]: return c
            while (y := x.pop()) and not x:
                assert y, "text"
                continue
            else:
                pass
        """,
    "ends that leave no code": """
        def f(x):
            return x
            pass
        def g(x):
            x = [x,
                 x
                 ]
            '''nothing
            here'''
        def h(): ...
        def i():
            '''only
            text
            '''
        """,
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("indent", ["", "    "])
def test_every_function_of_a_text_is_found(name, indent, tmp_path):
    text = textwrap.dedent(TEXTS[name]).lstrip("\n") if not TEXTS[name].startswith(("import", "def")) else TEXTS[name]
    if indent:
        text = ("if True:\n" if name != "future" else "from __future__ import annotations\nif 1:\n") + textwrap.indent(
            text.replace("from __future__ import annotations\n", ""), indent)
    path = tmp_path / "made.py"
    path.write_text(text, encoding="utf-8")
    for code in codes(text, path):
        node = definition(code)
        assert node is not None, (code.co_qualname, code.co_firstlineno)
        assert node.lineno == code.co_firstlineno
        assert not getattr(node, "decorator_list", [])


@pytest.mark.parametrize("file", [__file__, source.__file__, doctest.__file__, gj.api.compiled.__file__])
def test_every_function_of_a_file_is_found(file):
    with open(file, encoding="utf-8") as f:
        text = f.read()
    found = codes(text, file)
    assert len(found) > 10
    assert [c.co_qualname for c in found if definition(c) is None] == []


def test_lambdas_of_one_line_are_told_apart():
    text = "fs = lambda x: (lambda x: x + 1), lambda x: x + 1, lambda x: x + 2\n"
    linecache.cache["<lambdas>"] = (len(text), None, [text], "<lambdas>")
    found = [definition(c) for c in codes(text, "<lambdas>")]
    assert sorted(ast.get_source_segment(text, n) for n in found) == [
        "lambda x: (lambda x: x + 1)", "lambda x: x + 1", "lambda x: x + 1", "lambda x: x + 2"]
    assert len({n.col_offset for n in found}) == 4


def asserting(x, k=3):
    """A function whose assertions pytest rewrites."""
    for _ in range(20):
        x = x * 1.01
    assert np.sum(x) > 0.0, f"too small {k}"
    assert isinstance(k, int) and (k > 2 or k < -2)
    return x


def test_assertions_that_pytest_has_rewritten():
    assert "@pytest_ar" in asserting.__code__.co_names
    assert isinstance(definition(asserting.__code__), ast.FunctionDef)
    np.testing.assert_allclose(gj.jit(asserting)(X), asserting(X))
    with pytest.raises(AssertionError, match="too small 3"):
        gj.jit(asserting, check=True)(-X)


def test_assertions_that_pytest_has_rewritten_in_a_text_that_was_changed(tmp_path):
    from _pytest.assertion.rewrite import rewrite_asserts
    path = tmp_path / "made.py"
    text = "def f(x):\n    assert x > 1, 'no'\n    return x\n"
    tree = ast.parse(text)
    rewrite_asserts(tree, text.encode(), str(path))
    (code,) = (c for c in compile(tree, str(path), "exec").co_consts if isinstance(c, types.CodeType))
    path.write_text(text)
    assert definition(code) is not None
    for new in (text.replace("1", "2"), text.replace("return x", "return 1"), text.replace("no", "on")):
        path.write_text(new)
        linecache.checkcache(str(path))
        assert definition(code) is None


# what has none --------------------------------------------------------------------------------------------------------
TEXT = """\
import numpy as np
def f(x, y, k=2):
    '''Says what it does.'''
    z = x + y * 1.0
    if x[0] > 0.0:
        z = np.sin(z)[1:3, None]
    def g(v=3):
        return v + 1, [w * 2 for w in v], True
    for i in range(20):
        z = z - g(v=4)[0]
        z += 0.5
    return lambda t: t @ z, "text", {"a": 1}, (1, 2.0)
"""
EDITS = [
    ("1.0", "1"), ("1.0", "2.0"), ("1.0", "-1.0"), ("0.0:", "-0.0:"), ("True", "1"), ("True", "False"),
    ("'''Says", "'''Tells"), ("x + y", "y + x"), ("x + y", "x - y"), ("x[0]", "x[1]"), (" > ", " < "),
    ("if x[0]", "if y[0]"), ("np.sin", "np.cos"), ("np.sin(z)", "sin(np)"), ("[1:3", "[1:2"), (", None]", ", 0]"),
    ("v=3", "v=5"), ("v + 1", "v + 2"), ("w * 2", "w * 3"), ("v=4", "w=4"), ("g(v=4)[0]", "g(4)[0]"),
    ("z += 0.5", "z = z + 0.5"), ("z += 0.5", "z -= 0.5"), ("range(20)", "range(21)"), ("t @ z", "t * z"),
    ('"text"', '"texts"'), ('"a": 1', '"a": True'), ("(1, 2.0)", "(1, 2)"), ("(1, 2.0)", "(2, 1.0)"),
    ("        z += 0.5\n", ""), ("        z += 0.5\n", "    z += 0.5\n"), ("    for", "    pass\n    for"),
    ("def f", "\ndef f"), ("def f", "def h"), ("x, y, k", "y, x, k"), ("x, y, k", "x, k, y"), ("k=2", "*, k=2"),
    ("    z = x", "    global q; z = x"), ("z = np", "z  = np"), ("def f", "if 1:\n  def f"),
    ("lambda t", "lambda  t"), ("    return lambda", "    yield lambda"), ("def f", "async def f"),
    ("import numpy as np\n", ""), ("def f", "def f("), ("np.sin", "npy.sin"),
]
SAME = [
    ("k=2", "k=3"), ("x, y", "x: int, y: 'float'"), ("4)[0]", "4)[0]  # remark"),
    ("import numpy as np", "import numpy as np, os"), ("(1, 2.0)\n", "(1, 2.0)\n    unreachable\nmore = 3\n"),
]


def edited(path, old, new):
    path.write_text(TEXT)
    f = module_of(TEXT, path).f
    path.write_text(TEXT.replace(old, new, 1))
    linecache.checkcache(str(path))
    return f


@pytest.mark.parametrize("old, new", EDITS)
def test_any_change_of_the_text_is_seen(old, new, tmp_path):
    assert old in TEXT
    code = edited(tmp_path / "made.py", old, new).__code__
    assert definition(code) is None
    assert is_changed(code)


@pytest.mark.parametrize("old, new", SAME)
def test_what_is_no_part_of_the_code_may_change(old, new, tmp_path):
    code = edited(tmp_path / "made.py", old, new).__code__
    assert definition(code) is not None
    assert not is_changed(code)


def test_each_fact_of_the_code_counts():
    (code,) = (c for c in compile(TEXT, "made.py", "exec").co_consts if isinstance(c, types.CodeType))
    assert proof.is_same(code, code.replace())
    for name, value in {"co_consts": (*code.co_consts, 1), "co_names": (*code.co_names, "z"), "co_firstlineno": 7,
                        "co_linetable": code.co_linetable + b"\x80\x00", "co_flags": code.co_flags | 0x20,
                        "co_code": code.co_code + b"\x09\x00", "co_exceptiontable": b"\x80\x01\x01\x01",
                        "co_name": "h"}.items():
        assert not proof.is_same(code, code.replace(**{name: value})), name
    for a, b in ((0.0, -0.0), (1, True), (1, 1.0), ("a", b"a"), ((1,), (True,)), (frozenset({1}), frozenset({True}))):
        assert not proof.is_same(code.replace(co_consts=(a,)), code.replace(co_consts=(b,)))


# files that change, and cells -----------------------------------------------------------------------------------------
BRANCH = "import numpy as np\ndef helper(x):\n    if np.sum(x) > 0:\n        return x * {k}\n    return -x\n"


@pytest.fixture
def importable(tmp_path, monkeypatch):
    """Writes a module, which can be imported; each time with another time stamp."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    stamps = iter(range(10**9, 10**10, 10**3))

    def write(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        os.utime(path, (next(stamps),) * 2)
        importlib.invalidate_caches()
        return sys.modules.get(name) or importlib.import_module(name)

    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        if name.startswith("made_"):
            del sys.modules[name]


def test_a_changed_file_says_so(importable):
    m = importable("made_changed", BRANCH.format(k=2.0))
    importable("made_changed", BRANCH.format(k=7.0))
    with pytest.raises(gj.TraceError, match=r"made_changed.py is not that of the code.*helper.*reload(.|\n)*line 3"):
        gj.jit(m.helper)(X)
    importlib.reload(m)
    np.testing.assert_array_equal(gj.jit(m.helper)(X), X * 7.0)


def test_a_file_that_is_changed_back(importable):
    m = importable("made_back", BRANCH.format(k=2.0))
    old = m.helper
    importable("made_back", BRANCH.format(k=7.0))
    with pytest.raises(gj.TraceError, match="is not that of the code"):
        gj.jit(old)(X)
    importable("made_back", BRANCH.format(k=2.0))
    np.testing.assert_array_equal(gj.jit(old)(X), X * 2.0)
    importlib.reload(m)
    np.testing.assert_array_equal(gj.jit(m.helper)(X), X * 2.0)


def test_reloads_are_seen_by_compiled_functions(importable):
    m = importable("made_reloaded", BRANCH.format(k=2.0))
    f = gj.jit(lambda x: m.helper(x))
    for k in (2.0, 5.0, 3.0, 2.0):
        importable("made_reloaded", BRANCH.format(k=k))
        importlib.reload(m)
        np.testing.assert_allclose(f(X), X * k)
        np.testing.assert_allclose(gj.jit(lambda x: m.helper(x))(X), X * k)
        np.testing.assert_allclose(gj.grad(lambda x: np.sum(m.helper(x) * x))(X), X * 2.0 * k)


def test_straight_code_needs_no_source(importable):
    m = importable("made_straight", "import numpy as np\nW = np.ones(3)\n"
                   "def helper(x):\n    return np.sin(x) * 2.0 + W\n")
    importable("made_straight", "# nothing is left\n")
    f = gj.jit(lambda x: m.helper(x))
    np.testing.assert_allclose(f(X), np.sin(X) * 2.0 + 1.0)


def test_cells_that_are_run_again():
    def cell(k):
        text = BRANCH.format(k=k)
        linecache.cache["<cell 7>"] = (len(text), None, text.splitlines(True), "<cell 7>")
        return module_of(text, "<cell 7>").helper

    first = cell(2.0)
    np.testing.assert_array_equal(gj.jit(first)(X), X * 2.0)
    second = cell(3.0)
    np.testing.assert_array_equal(gj.jit(second)(X), X * 3.0)
    np.testing.assert_array_equal(gj.jit(first)(X), X * 2.0)
    third = cell(4.0)
    cell(5.0)
    with pytest.raises(gj.TraceError, match="<cell 7> is not that of the code"):
        gj.jit(third)(X)


def test_doctests():
    def documented():
        """
        >>> def helper(x):
        ...     if np.sum(x) > 0:
        ...         return x * 2.0
        ...     return -x
        >>> gj.jit(helper)(np.ones(2))
        array([2., 2.])
        """

    (test,) = doctest.DocTestFinder().find(documented, "documented", globs={"np": np, "gj": gj})
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.thinned
@pytest.mark.parametrize("flags", [["-O"], ["-OO"], ["-X", "no_debug_ranges"], ["-X", "dev"]], ids=" ".join)
def test_however_python_compiles(flags, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent('''
        """A program."""
        import numpy as np
        import gradjit as gj
        class Net:
            """A net."""
            def go(self, x):
                """Goes."""
                assert x[0] > -10.0, "no"
                if x[0] > 0:
                    return x * 2.0
                return x
        f, g = (lambda x: x if x[0] > 0 else -x), (lambda x: -x if x[0] > 0 else x)
        X = np.ones(2)
        for h in (Net().go, f, g):
            assert np.array_equal(gj.jit(h)(X), h(X)) or exit(1)
            if not np.array_equal(gj.jit(h)(X), h(X)): raise SystemExit(1)
        print("done")
        '''))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, *flags, str(path)], capture_output=True, text=True, timeout=120,
                          env=environment, check=False)
    assert done.stdout == "done\n", done.stderr
