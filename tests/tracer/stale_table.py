"""Where values come from, how they are read, how they change: the tables of test_stale.py.

A holder has a text that makes it, expressions (or statements that set `k`) that read a number of it, and statements
that change it. Each way of reading is tried with each way of changing.
"""

from __future__ import annotations

HOLDERS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {}


def holder(name: str, made: str, reads: str, changes: str) -> None:
    """A row: `reads` and `changes` are separated by lines."""
    split = [{line.strip(): line.strip().replace(" // ", "\n") for line in text.strip().splitlines()}
             for text in (reads, changes)]
    HOLDERS[name] = made, split[0], split[1]


# containers ---------------------------------------------------------------------------------------------------------
SEQUENCE = """
o[0]
o[-1]
len(o)
sum(o)
max(o)
1.0 + (7.0 in o)
list(o)[0]
[v * 2 for v in o][0]
k = 1.0 // for v in o: // .   k = k * v
k, *_ = o
sorted(o)[-1]
2.0 if o else 3.0
next(iter(o))
functools.reduce(lambda a, b: a * b, o)
sum(a * b for a, b in zip(o, o))
"""
GROWING = """
o[0] = 7.0
o.append(7.0)
o.pop()
o.clear(); o.extend([7.0, 8.0])
o.reverse()
"""
holder("list", "o = [2.0, 3.0]", SEQUENCE, GROWING + "globals().update(o=[7.0])\n")
holder("deque", "o = collections.deque([2.0, 3.0])", SEQUENCE, GROWING + "o.rotate(1)\n")
holder("subclass of list", "class L(list): pass\no = L([2.0, 3.0])", SEQUENCE, GROWING)
holder("array.array", "o = array.array('d', [2.0, 3.0])", SEQUENCE, "o[0] = 7.0\no.append(7.0)\no.pop()")
holder("bytearray", "o = bytearray([2, 3])",
       "o[0]\nlen(o)\nsum(o)\nmax(o)\nlist(o)[0]",
       "o[0] = 7\no.append(7)\no.pop()")
holder("ctypes", "import ctypes\no = (ctypes.c_double * 2)(2.0, 3.0)",
       "o[0]\nsum(o[:])\nsum(v for v in o)\nlist(o)[0]\nnp.asarray(o)[0]\nmax(o)", "o[0] = 7.0\no[:] = [8.0, 9.0]")
holder("metaclass", "t = {'k': 2.0}\nclass M(type):\n    def __iter__(cls): return iter(t.values())\n"
       "    def __len__(cls): return len(t)\nclass o(metaclass=M): pass",
       "sum(o)\nlist(o)[0]\nsum(v for v in o)\nlen(o)\nmax(o)", "t['k'] = 7.0\nt['j'] = 8.0")
holder("buffer", "o = bytearray([2, 3])", "np.frombuffer(o, np.uint8)[0]\nlen(np.frombuffer(o, np.uint8))", "o[0] = 7")
holder("record", "s = np.zeros(2, dtype=[('a', float), ('b', int)])\no = s[0]",
       'o["a"] + 1.0\nlen(o) + o[1]\no.item()[0] + 1.0\nfloat(sum(o)) + 1.0',
       "s['a'] = 7.0; s['b'] = 5\no['a'] = 7.0; o['b'] = 5")
holder("records in a list", "s = np.zeros(2, dtype=[('a', float)])\no = list(s)", 'o[1]["a"] + 1.0', "s['a'] = 7.0")
holder("record with attributes", "s = np.rec.array([(1.0, 2)], dtype=[('a', float), ('b', int)])\no = s[0]",
       'o.a\no["a"]', "s.a[0] = 7.0\no.a = 7.0")
holder("vectorize", "o = np.vectorize(lambda v: v * 2.0)",
       "np.sum(o(x / x)) / np.size(x)\no(np.ones(2))[0]\no.pyfunc(3.0)", "o.pyfunc = lambda v: v * 7.0")
holder("memoryview", "b = bytearray([2, 3])\no = memoryview(b)", "o[0]\nsum(o)\nlist(o)[0]\no.tolist()[0]",
       "b[0] = 7")
holder("object array", "o = np.array([2.0, 3.0], dtype=object)", "o[0]\nsum(o)\nlist(o)[0]\no.tolist()[0]",
       "o[0] = 7.0\no[:] = 7.0")
holder("matrix", "o = np.matrix([[2.0, 3.0]])", "o[0, 0]\nnp.asarray(o)[0, 1]\nfloat(o.sum())\nlen(o.T)",
       "o[0, :] = 7.0")
holder("masked array", "o = np.ma.array([2.0, 3.0], mask=[False, True])",
       "o.data[0]\nfloat(o.filled(1.0)[1])\nfloat(np.ma.getmaskarray(o).sum())",
       "o[0] = 7.0\no.mask[0] = True\no.data[:] = 7.0")
holder("subclass of ndarray", "class A(np.ndarray): pass\no = np.ones(2).view(A)",
       "o[0]\nnp.asarray(o)[0]\nfloat(o.sum())\nlen(o)", "o[0] = 7.0")
holder("set", "o = {2.0, 3.0}",
       "len(o)\nsum(o)\n1.0 + (7.0 in o)\nmax(o)\nlist(o)[-1]\n2.0 if o else 3.0\nlen(o & {7.0}) + 1",
       "o.add(7.0)\no.discard(2.0)\no.clear()\no.update({7.0})")
MAPPING = """
o["a"]
o.get("a", 1.0)
o.get("c", 1.0)
len(o)
1.0 + ("c" in o)
sum(o.values())
list(o)[0] == "a" and 2.0 or 3.0
k = 1.0 // for v in o.values(): // .   k = k * v
k = 1.0 // for _, v in o.items(): // .   k = k * v
dict(o)["a"]
{**o}["a"]
k = 1.0 // try: k = o["c"] // except KeyError: pass
k = 1.0 // match o: // .   case {"c": v}: k = v
"""
FILLING = """
o["a"] = 7.0
o["c"] = 7.0
del o["b"]
o.update(a=7.0, c=8.0)
"""
holder("dict", "o = {'a': 2.0, 'b': 3.0}", MAPPING, FILLING + "o.pop('b'); o['d'] = 9.0\n")
holder("OrderedDict", "o = collections.OrderedDict(a=2.0, b=3.0)", MAPPING, FILLING + "o.move_to_end('a')\n")
holder("defaultdict", "o = collections.defaultdict(float, a=2.0, b=3.0)",
       MAPPING.replace('k = o["c"]', 'k = o["b"]'), FILLING)
holder("Counter", "o = collections.Counter(a=2, b=3)", MAPPING.replace('k = o["c"]', 'k = o["b"]'), FILLING)
holder("__missing__", "class D(dict):\n    m = 2.0\n    def __missing__(self, k): return self.m\no = D()", 'o["a"]',
       'D.m = 7.0\no["a"] = 7.0\nD.__missing__ = lambda self, k: 5.0')
holder("__class_getitem__", "class C:\n    m = 2.0\n    def __class_getitem__(cls, k): return cls.m * k\no = C",
       "o[3.0]", "C.m = 7.0\nC.__class_getitem__ = classmethod(lambda cls, k: 5.0)")
holder("namespace of eval", "class C: k = 2.0\no = {'k': 2.0, 'C': C}",
       'eval("k * 2", o)\neval("k * 2", {}, o)\neval("C.k", {"C": C})\nd = dict(o); exec("q = k * 2", d); k = d["q"]',
       'o["k"] = 7.0; C.k = 7.0\no.update(k=5.0); C.k = 5.0')
holder("ChainMap", "d = {'a': 2.0, 'b': 3.0}\no = collections.ChainMap({}, d)",
       'o["a"]\no.get("c", 1.0)\nlen(o)\nsum(o.values())\n1.0 + ("c" in o)\ndict(o)["a"]',
       'd["a"] = 7.0\nd["c"] = 7.0\no["a"] = 9.0\no.maps[0]["c"] = 9.0')
holder("values of a dict", "d = {'a': 2.0, 'b': 3.0}\no = d.values()", 'len(o)\nsum(o)\n[v for v in o][0]\nmax(o)',
       'd["a"] = 7.0\nd["c"] = 9.0')
holder("items of a dict", "d = {'a': 2.0, 'b': 3.0}\no = d.items()",
       'len(o)\n[v for _, v in o][0]\ndict(o)["a"]\n1.0 + (("a", 2.0) in o)', 'd["a"] = 7.0\nd.clear(); d["a"] = 9.0')
holder("keys of a dict", "d = collections.OrderedDict(a=2.0, b=3.0)\no = d.keys()",
       'len(o)\n1.0 + ("a" in o)\nlen([k for k in o])\n1.0 + (list(o)[0] == "a")',
       'd["c"] = 7.0; d.move_to_end("a")\ndel d["a"]')
holder("empty containers", "o = [{}, set(), collections.deque(), [], bytearray()]", 'sum(map(len, o))\n1.0 + len(o[1])',
       'o[1].add(1)\no[2].append(1); o[1].add(2)\no[0]["a"] = 1; o[1].add(3)')
holder("mappingproxy", "d = {'a': 2.0, 'b': 3.0}\no = types.MappingProxyType(d)",
       'o["a"]\no.get("c", 1.0)\nlen(o)\nsum(o.values())\n1.0 + ("c" in o)\ndict(o)["a"]', 'd["a"] = 7.0\nd["c"] = 7.0')
holder("UserDict", "o = collections.UserDict(a=2.0, b=3.0)",
       'o["a"]\no.get("c", 1.0)\nlen(o)\nsum(o.values())\n1.0 + ("c" in o)', 'o["a"] = 7.0\no["c"] = 7.0')
holder("UserList", "o = collections.UserList([2.0, 3.0])", SEQUENCE + """(o + [1.0])[0]
len(o * 2)
2.0 if o == [7.0, 3.0] else 3.0
2.0 if not o else 3.0
2.0 if o < [5.0] else 3.0
k = 1.0 // match o: // .   case [k, *_]: pass
""", GROWING)
holder("Polynomial", "o = np.polynomial.Polynomial([2.0, 3.0])",
       "(o * 2)(1.0)\n(-o).coef[0]\n[c for c in o][0]\n1.0 + (o == np.polynomial.Polynomial([7.0, 3.0]))",
       "o.coef[0] = 7.0")
holder("points of a Polynomial", "o = np.polynomial.Polynomial([2.0, 3.0], [-1.0, 1.0], [-1.0, 1.0])",
       "np.sum(o(x / x + 1.0)) / np.size(x)",
       "o.domain = np.array([0.0, 2.0])\no.domain[0] = 0.5\no.window = np.array([0.0, 5.0])\no.coef = np.array([5.0])")
holder("nested", "o = {'l': [{'k': (2.0, [3.0])}]}", 'o["l"][0]["k"][1][0]\nlen(o["l"])',
       'o["l"][0]["k"][1][0] = 7.0\no["l"].append(1)\no["l"] = [{"k": (2.0, [8.0])}]')
holder("environ", "os.environ['GRADJIT_TEST_K'] = '2.0'",
       'float(os.environ["GRADJIT_TEST_K"])\nfloat(os.environ.get("GRADJIT_TEST_K", "1"))\n'
       'float(os.getenv("GRADJIT_TEST_K"))\n1.0 + ("GRADJIT_TEST_L" in os.environ)',
       'os.environ["GRADJIT_TEST_K"] = "7.0"')

# objects ------------------------------------------------------------------------------------------------------------
ATTRIBUTE = """
o.k
getattr(o, "k")
getattr(o, "k", 1.0)
getattr(o, "j", 1.0)
2.0 if hasattr(o, "j") else 3.0
k = 1.0 // try: k = o.j // except AttributeError: pass
operator.attrgetter("k")(o)
helper(o)
(lambda: o.k)()
f"{o.k}" == "2.0" and 2.0 or 3.0
"""
SETTING = """
o.k = 7.0
o.j = 7.0
setattr(o, "k", 8.0)
"""
HELPER = "def helper(p): return p.k * 2\n"
holder("instance", HELPER + "class C: pass\no = C(); o.k = 2.0",
       ATTRIBUTE + 'vars(o)["k"]\no.__dict__["k"]\nk = 1.0 // match o: // .   case C(k=v): k = v',
       SETTING + 'vars(o)["k"] = 9.0\no.__dict__.update(j=7.0)')
holder("slots", HELPER + "class C: __slots__ = ('k', 'j')\no = C(); o.k = 2.0", ATTRIBUTE, SETTING)
holder("dataclass", HELPER + "@dataclasses.dataclass\nclass C: k: float = 2.0\no = C()",
       ATTRIBUTE + 'dataclasses.asdict(o)["k"]\ndataclasses.replace(o).k\ncopy.copy(o).k\ncopy.deepcopy(o).k\n'
       "2.0 if o == C(7.0) else 3.0\n2.0 if o != C(7.0) else 3.0", SETTING)
holder("object in a function without source", """class C: pass
o, space = C(), {}
o.k = 2.0
exec("def g(c): return c.k\\ndef h(held): return held[0].k", space)
g, h, held = space["g"], space["h"], [o]""",
       "g(o)\nh(held)\nlist(map(g, [o]))[0]\ng(c=o)", "o.k = 7.0\nheld[0] = o = C(); o.k = 8.0")
holder("dataclass with slots", HELPER + "@dataclasses.dataclass(slots=True)\nclass C: k: float = 2.0\no = C()",
       'o.k\nhelper(o)\ndataclasses.asdict(o)["k"]', "o.k = 7.0")
holder("namespace", HELPER + "o = types.SimpleNamespace(k=2.0)", ATTRIBUTE, SETTING)
holder("class", HELPER + "class B: k = 2.0\nclass o(B): pass", ATTRIBUTE, SETTING + "B.k = 9.0")
holder("instance by its class", HELPER + "class B: k = 2.0\nclass C(B): pass\no = C()", ATTRIBUTE,
       SETTING + "C.k = 9.0\nB.k = 9.0\nclass D: k = 7.0; j = 5.0 // o.__class__ = D")
holder("module", HELPER + "o = types.ModuleType('o'); o.k = 2.0", ATTRIBUTE + 'vars(o)["k"]', SETTING)
holder("function", HELPER + "def o(): pass\no.k = 2.0", ATTRIBUTE, SETTING)
holder("chain", "class C: pass\no = C(); o.a = C(); o.a.b = C(); o.a.b.k = 2.0\np = C(); p.b = C(); p.b.k = 8.0",
       'o.a.b.k\ngetattr(o.a, "b").k\nfunctools.reduce(getattr, ["a", "b", "k"], o)',
       "o.a.b.k = 7.0\no.a = p\no.a.b = p.b")
holder("property", "class C:\n    def __init__(self): self._k = 2.0\n    @property\n"
       "    def k(self): return self._k * 2\n"
                   "o = C()", 'o.k\ngetattr(o, "k")', "o._k = 7.0\nC.k = property(lambda self: 9.0)\nC.k = 9.0")
holder("cached_property", "class C:\n    def __init__(self): self._k = 2.0\n    @functools.cached_property\n"
                          "    def k(self): return self._k * 2\no = C()", "o.k",
       "o._k = 7.0; o.__dict__.pop('k', None)\no.k = 9.0\no._k = 9.0")
holder("descriptor", "class D:\n    def __get__(self, o, cls): return o.v * 2\nclass C: k = D()\no = C(); "
       "o.v = 2.0", "o.k",
       "o.v = 7.0\nC.k = 9.0\nD.__get__ = lambda self, o, cls: 5.0\no.__dict__['k'] = 3.0")
holder("descriptor of a class", "v = [2.0]\nclass D:\n    def __get__(self, o, cls): return v[0]\n"
       "class C: k = D()\nclass B(C):\n    @classmethod\n    @property\n    def p(cls): return v[0]",
       "C.k\nB.k\nB.p", "v[0] = 7.0\nC.k = 9.0; B.p = 8.0\nD.__get__ = lambda self, o, cls: 5.0; B.p = 6.0")
holder("name of a class", "class C: pass", "len(C.__name__)\nlen(C.__qualname__)",
       "C.__name__ = 'longer'; C.__qualname__ = 'longer yet'")
holder("__getattr__", "class C:\n    def __init__(self): self.__dict__['d'] = {'k': 2.0}\n"
                      "    def __getattr__(self, n): return self.d[n]\no = C()", 'o.k\ngetattr(o, "k")',
       "o.d['k'] = 7.0\no.k = 9.0\nC.k = 5.0\nC.__getattr__ = lambda self, n: 3.0")
holder("__getattribute__", "class C:\n    def __init__(self): self.v = 2.0\n    def __getattribute__(self, n):\n"
                           "        return object.__getattribute__(self, 'v') * 2\no = C()", "o.k",
       "object.__setattr__(o, 'v', 7.0)")
holder("private", "class C:\n    def __init__(self): self.__k = 2.0\n    def read(self): return self.__k\n"
       "o = C()", "o.read()",
       "o._C__k = 7.0")
holder("enum", "class E(enum.Enum): A = 2.0\no = E.A", "o.value\nE['A'].value\nE(2.0).value", "o._value_ = 7.0")

# what is called -----------------------------------------------------------------------------------------------------
holder("method", "class B:\n    def go(self): return 2.0\n    @staticmethod\n    def s(): return 2.0\n"
       "    @classmethod\n"
                 "    def c(cls): return cls.n\n    n = 2.0\nclass C(B):\n"
       "    def up(self): return super().go() * 2\no = C()",
       "o.go()\no.s()\no.c()\nC.c()\no.up()\nB.go(o)\nC().go()\nC().up()",
       "B.go = lambda self: 7.0\nB.s = staticmethod(lambda: 7.0)\nB.n = 7.0\nC.go = lambda self: 8.0\n"
       "o.go = lambda: 9.0\n"
       "B.c = classmethod(lambda cls: 5.0)\nC.up = lambda self: 4.0")
holder("defaults", "def g(a=2.0, *, b=3.0): return a * b\no = g",
       "o()\no(1.0)\no.__defaults__[0]\nfunctools.partial(o)()",
       "o.__defaults__ = (7.0,)\no.__kwdefaults__ = {'b': 7.0}\no.__kwdefaults__['b'] = 8.0\n"
       "o.__code__ = (lambda a, b=1: 5.0).__code__")
holder("mutable defaults", "def g(a=[2.0]): return a[0]\no = g", "o()", "o.__defaults__[0][0] = 7.0")
holder("partial", "def g(w, a, k=1.0): return w[0] * a * k\nw = [2.0]\no = functools.partial(g, w, k=3.0)",
       "o(1.0)\nlist(map(o, [1.0]))[0]\no.keywords['k']\no.args[0][0]", "w[0] = 7.0\no.keywords['k'] = 7.0\n"
       "o.__setstate__((g, ([5.0],), {'k': 3.0}, {}))\n"
       "o.__setstate__((lambda *_, **__: 5.0, o.args, o.keywords, {})); o.args[0][0] = o.keywords['k'] = 9.0")
holder("library function",
       "import numpy as xp\no = types.SimpleNamespace(act=np.tanh)\nd = {'act': np.tanh}\nact = np.tanh",
       "o.act(0.5)\nd['act'](0.5)\nact(0.5)\nxp.tanh(0.5)\n(lambda f: f(0.5))(act)\nlist(map(act, [0.5]))[0]",
       "o.act = np.sin; d['act'] = np.sin; globals().update(act=np.sin, xp=types.SimpleNamespace(tanh=np.cos))\n"
       "o.act = lambda v: v * 7; d['act'] = o.act; globals().update(act=o.act, xp=types.SimpleNamespace(tanh=o.act))")
holder("singledispatch", "@functools.singledispatch\ndef o(x): return 2.0", "o(1)\no('a')",
       "o.register(int, lambda x: 7.0)\no.register(str, lambda x: 8.0)")
holder("lru_cache", "w = [2.0]\n@functools.lru_cache\ndef o(): return w[0]", "o()",
       "w[0] = 7.0\nw[0] = 7.0; o.cache_clear()")
holder("closure", "def make(k):\n    def g(): return k\n    return g\no = make(2.0)", "o()",
       "o.__closure__[0].cell_contents = 7.0\nglobals().update(o=make(8.0))")

# special methods ----------------------------------------------------------------------------------------------------
holder("special methods", """class C:
    def __init__(self): self.v = [2.0, 3.0]
    def __getitem__(self, i): return self.v[i]
    def __len__(self): return len(self.v)
    def __iter__(self): return iter(self.v)
    def __contains__(self, x): return x in self.v
    def __call__(self): return self.v[0]
    def __float__(self): return self.v[0]
    def __int__(self): return int(self.v[0])
    def __bool__(self): return self.v[0] > 3
    def __abs__(self): return self.v[0]
    def __neg__(self): return self.v[0]
    def __round__(self, n=None): return self.v[0]
    def __add__(self, x): return self.v[0] + x
    def __radd__(self, x): return self.v[0] + x
    def __mul__(self, x): return self.v[0] * x
    def __rsub__(self, x): return x - self.v[0]
    def __matmul__(self, x): return self.v[0] * x
    def __pow__(self, x): return self.v[0] ** x
    def __lt__(self, x): return self.v[0] < x
    def __eq__(self, x): return self.v[0] == x
    def __hash__(self): return 1
    def __enter__(self): return self.v[0]
    def __exit__(self, *a): pass
    def __array__(self, dtype=None, copy=None): return np.array(self.v)
    def __str__(self): return str(self.v[0])
    def __reversed__(self): return reversed(self.v)
    def __divmod__(self, x): return (self.v[0], 1)
o = C()
""", """
o[0]
len(o)
sum(o)
1.0 + (7.0 in o)
o()
float(o)
int(o)
2.0 if o else 3.0
abs(o)
-o
round(o)
o + 1.0
1.0 + o
o * 2.0
1.0 - o
o @ 2.0
o ** 2.0
2.0 if o < 4.0 else 3.0
2.0 if o == 7.0 else 3.0
2.0 if o != 7.0 else 3.0
k = 1.0 // with o as k: pass
np.asarray(o)[0]
float(str(o))
float(f"{o}")
list(o)[0]
k, *_ = o
[v for v in o][0]
max(o)
next(reversed(o))
divmod(o, 1)[0]
not o and 2.0 or 3.0
math.floor(float(o))
operator.add(o, 1.0)
k = 1.0 // for v in o: // .   k = k * v
""", "o.v[0] = 7.0\no.v = [7.0, 8.0, 9.0]")
holder("objects in containers", """class C:
    def __init__(self, v): self.v = v
    def __eq__(self, x): return self.v == x.v
    def __lt__(self, x): return self.v < x.v
    def __hash__(self): return hash(self.v)
    def __bool__(self): return self.v > 3.0
    def __float__(self): return self.v
@dataclasses.dataclass
class D: v: float
o, d, n = C(2.0), D(2.0), types.SimpleNamespace(v=2.0)
w = [o], (o,), {"a": o}""", """
2.0 if w[0] == [C(7.0)] else 3.0
2.0 if w[1] < (C(5.0),) else 3.0
2.0 if w[2] == {"a": C(7.0)} else 3.0
2.0 if [(d, 1)] == [(D(7.0), 1)] else 3.0
2.0 if n == types.SimpleNamespace(v=7.0) else 3.0
2.0 if types.SimpleNamespace(v=7.0) in [n] else 3.0
2.0 if (C(7.0),) in [(o,)] else 3.0
1.0 + len(list(filter(None, w[0])))
math.fsum(w[0])
math.prod([float(v) for v in w[1]])
""", "o.v = d.v = n.v = 7.0")
holder("numbers of the user's own",
       "class C:\n    def __init__(self, v): self.v = v\n    def __index__(self): return self.v\n"
       "o = C(0)\na = np.arange(6.0).reshape(2, 3)", """
np.sum(a[:, o:])
[2.0, 3.0, 4.0][o:][0]
a[(o, 1)]
np.sum(np.sum(a, axis=o) ** 2)
np.sum(a.sum(axis=o) ** 2)
np.sum(np.concatenate([a, a], axis=o)[:, 0])
np.cumsum(a, o)[1, 2]
float(math.comb(3, o))
""", "o.v = 1")
holder("iterator class",
       "class C:\n    def __init__(self, v): self.v, self.i = v, 0\n    def __iter__(self): return self\n"
                         "    def __next__(self):\n        self.i += 1\n"
       "        if self.i > len(self.v): raise StopIteration\n"
                         "        return self.v[self.i - 1]\nv = [2.0, 3.0]",
       "sum(C(v))\nlist(C(v))[0]\nk = 1.0 // for w in C(v): // .   k = k * w", "v[0] = 7.0\nv.append(7.0)")

# names --------------------------------------------------------------------------------------------------------------
holder("global", "k0 = 2.0", 'k0\nglobals()["k0"]\neval("k0 * 2")\nk = 1.0 // try: k = k1 // except NameError: pass\n'
                             '1.0 + ("k1" in globals())\nabs(-2.0)\n(lambda: k0)()\n[k0 for _ in range(2)][0]\n'
                             'k = 1.0 // class C: // .   v = k0 // k = C.v',
       "globals().update(k0=7.0)\nglobals().update(k1=7.0)\nglobals().update(abs=lambda v: 7.0)")
holder("import inside",
       "import types, sys\nm = types.ModuleType('gradjit_test_m'); m.k = 2.0; sys.modules[m.__name__] = m",
       "from gradjit_test_m import k\nfrom gradjit_test_m import k as j // k = j * 2\n"
       "import gradjit_test_m // k = gradjit_test_m.k\n"
       "import gradjit_test_m as n // k = n.k",
       "m.k = 7.0\nn = types.ModuleType(m.__name__); n.k = 8.0; sys.modules[m.__name__] = n")
holder("library attributes", "old = math.pi, np.sinc", "math.pi\nnp.sinc(0.5)",
       "math.pi = 3.0; np.sinc = lambda v: v * 100")

holder("frozen distribution", "import scipy.stats\no = scipy.stats.norm(0.5, scale=2.0)",
       "o.logpdf(1.0)\no.mean() + o.std()\no.ppf(0.3)",
       "o.args = (1.5,)\no.kwds['scale'] = 3.0\no.kwds = {}\no.dist = scipy.stats.cauchy")

# arrays of which only the form is asked for, and other quiet inputs --------------------------------------------------
holder("forms", "o = np.ones((3, 2)); d = {'w': o}; p = types.SimpleNamespace(w=o)",
       "len(o)\no.shape[0]\no.size\nd['w'].shape[0]\nlen(p.w)\no.ndim\nnp.zeros_like(o).size\n"
       "np.sum(np.zeros(o.shape) + 1)\nnp.shape(o)[0]\nsum(1.0 for _ in range(len(o)))\no.dtype.itemsize\nlen(o.T)",
       "globals().update(o=np.ones((5, 2))); d['w'] = p.w = o\n"
       "globals().update(o=np.ones((3, 2), np.float32)); d['w'] = p.w = o\nglobals().update(o=np.ones(7)); "
       "d['w'] = p.w = o")
holder("dtype", "DT = np.float64", "np.zeros(3, DT).itemsize\nnp.dtype(DT).itemsize",
       "globals().update(DT=np.float32)")
holder("contextvar", "v = contextvars.ContextVar('v', default=2.0)", "v.get()\nv.get(3.0)", "v.set(7.0)")
holder("weakref", "class C: pass\nw = C(); w.k = 2.0\nr = weakref.ref(w)", "r().k\n2.0 if r() is None else 3.0",
       "w.k = 7.0\nglobals().pop('w')")
holder("isinstance", "class A(abc.ABC): pass\nclass B: pass\nclass C(B): pass\no = C()",
       "2.0 if isinstance(o, A) else 3.0\n2.0 if isinstance(o, B) else 3.0\n2.0 if type(o) is C else 3.0\n"
       "2.0 if issubclass(C, A) else 3.0\n2.0 if callable(o) else 3.0",
       "A.register(C)\nclass D: pass // o.__class__ = D\nC.__call__ = lambda self: 1.0")
holder("poly1d", "o = np.poly1d([2.0, 3.0])", "o.coeffs[0]\no(1.0)\nlen(o)\no[0]\nnp.polyval(o.coeffs, 2.0)",
       "o.coeffs[0] = 7.0\no[1] = 8.0")
holder("sparse", "import scipy.sparse\no = scipy.sparse.csr_matrix(np.eye(2))",
       "o.toarray()[0, 0]\no.data[0]\no.nnz",
       "o.data[0] = 7.0")

CASES = [(name, made, read, change) for name, (made, reads, changes) in HOLDERS.items()
         for read in reads.values() for change in changes.values()]
"""All pairs."""
FEW = [(name, made, read, change) for name, (made, reads, changes) in HOLDERS.items()
       for k, read in enumerate(reads.values()) for j, change in enumerate(changes.values())
       if k == 0 or j == 0 or (k + j) % 7 == 0]
"""Each way of reading and each way of changing, at least once."""
