"""Code that syntax reaches: operators of a user's own classes, descriptors, metaclasses, decorators, dispatch."""
# ruff: noqa: B905, B007, PYI024 (programs as people write them)

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import functools
import math

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.5, 1.5, 2.5])


class Vec:
    __slots__ = ("x", "y", "z")

    def __init__(s, x, y, z):
        s.x, s.y, s.z = x, y, z

    def __add__(s, o):
        return Vec(s.x + o.x, s.y + o.y, s.z + o.z)

    def __radd__(s, o):
        return s if o == 0 else Vec(o + s.x, o + s.y, o + s.z)

    def __sub__(s, o):
        return Vec(s.x - o.x, s.y - o.y, s.z - o.z)

    def __mul__(s, k):
        return s.dot(k) if isinstance(k, Vec) else Vec(s.x * k, s.y * k, s.z * k)

    __rmul__ = __mul__

    def __truediv__(s, k):
        return Vec(s.x / k, s.y / k, s.z / k)

    def __neg__(s):
        return Vec(-s.x, -s.y, -s.z)

    def __pos__(s):
        return s

    def __iter__(s):
        yield s.x
        yield s.y
        yield s.z

    def __len__(s):
        return 3

    def __getitem__(s, i):
        return (s.x, s.y, s.z)[i]

    def __setitem__(s, i, v):
        setattr(s, "xyz"[i], v)

    def __abs__(s):
        return math.sqrt(s.dot(s))

    def __eq__(s, o):
        return s.x == o.x and s.y == o.y and s.z == o.z

    def __hash__(s):
        return hash((s.x, s.y, s.z))

    def __bool__(s):
        return bool(s.x or s.y or s.z)

    def __repr__(s):
        return f"Vec({s.x}, {s.y}, {s.z})"

    def __iadd__(s, o):
        s.x += o.x
        s.y += o.y
        s.z += o.z
        return s

    def __matmul__(s, o):
        return s.dot(o)

    def __array__(s, dtype=None, copy=None):
        return np.array([s.x, s.y, s.z])

    def __lt__(s, o):
        return abs(s) < abs(o)

    def __contains__(s, v):
        return any(v == w for w in s)

    def __reversed__(s):
        return iter((s.z, s.y, s.x))

    def __round__(s, n=None):
        return Vec(*(round(v, n) for v in s))

    def dot(s, o):
        return s.x * o.x + s.y * o.y + s.z * o.z

    def cross(s, o):
        return Vec(s.y * o.z - s.z * o.y, s.z * o.x - s.x * o.z, s.x * o.y - s.y * o.x)

    @property
    def norm(s):
        return abs(s)

    @norm.setter
    def norm(s, v):
        k = v / abs(s)
        s.x *= k
        s.y *= k
        s.z *= k

    @classmethod
    def of(cls, a):
        return cls(*a)

    @staticmethod
    def unit(k):
        return Vec(*(1.0 if i == k else 0.0 for i in range(3)))


def case_vec():
    def f(x):
        a = Vec(*x)
        b = Vec.of(x**2)
        c = 2.0 * a + b / 3 - a * 0.5
        c += a
        c[1] = c[0] * 2
        s = sum([a, b, c], start=Vec(0.0, 0.0, 0.0))
        u = sum([a, b])
        m = max([a, b, c])
        mm = min(a, b, key=abs)
        srt = sorted([b, a, c])
        c = Vec(*c)
        c.norm = 3.0
        return (
            a * b
            + a @ c
            + abs(a.cross(b))
            + np.sum(np.array(a))
            + s[-1]
            + u.norm
            + len(a)
            + m.x
            + mm.y
            + srt[0].z
            + Vec.unit(1) * a
            + sum(reversed(a))
            + (1.0 if a else 0.0)
            + (-a).x
            + (3.0 if a == a else 1.0)
            + [*a][1]
        )

    return f, (X,)


def case_vec_loop():
    def f(x):
        p = Vec(1.0, 0.0, 0.0)
        v = Vec(0.0, x[0], 0.1)
        for i in range(200):
            v += -p / (abs(p) ** 3) * 0.01
            p = p + v * 0.01
        return p.norm + v * p

    return f, (X,)


class Quat:
    def __init__(s, w, x=0.0, y=0.0, z=0.0):
        s.w, s.x, s.y, s.z = w, x, y, z

    def __mul__(a, b):
        if isinstance(b, (int, float)):
            return Quat(a.w * b, a.x * b, a.y * b, a.z * b)
        return Quat(
            a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        )

    def __rmul__(s, k):
        return s * k

    def conj(s):
        return Quat(s.w, -s.x, -s.y, -s.z)

    def __abs__(s):
        return np.sqrt(s.w**2 + s.x**2 + s.y**2 + s.z**2)

    def __invert__(s):
        return s.conj() * (1.0 / abs(s) ** 2)

    def __pow__(s, n):
        r = Quat(1.0)
        for _ in range(n):
            r = r * s
        return r

    def rotate(s, v):
        q = s * Quat(0.0, *v) * ~s
        return np.array([q.x, q.y, q.z])

    def __float__(s):
        return float(s.w)

    def __getattr__(s, name):
        if name == "vector":
            return np.array([s.x, s.y, s.z])
        if set(name) <= set("wxyz"):
            return tuple(s.__dict__[c] for c in name)
        raise AttributeError(name)

    def __format__(s, spec):
        return "q"

    def __call__(s, v):
        return s.rotate(v)


def case_quat():
    def f(x):
        q = Quat(1.0, *x)
        q = q * (1 / abs(q))
        r = q**3 * 2.0
        return (
            np.sum(q(np.array([1.0, 2.0, 3.0])) * x)
            + math.sqrt(q)
            + r.vector.sum()
            + sum(q.xyz)
            + q.zyx[0] * 2
            + math.exp(q)
        )

    return f, (X,)


class Dual:
    def __init__(s, a, b=0.0):
        s.a, s.b = a, b

    @staticmethod
    def lift(o):
        return o if isinstance(o, Dual) else Dual(o)

    def __add__(s, o):
        o = Dual.lift(o)
        return Dual(s.a + o.a, s.b + o.b)

    __radd__ = __add__

    def __neg__(s):
        return Dual(-s.a, -s.b)

    def __sub__(s, o):
        return s + (-Dual.lift(o))

    def __rsub__(s, o):
        return Dual.lift(o) - s

    def __mul__(s, o):
        o = Dual.lift(o)
        return Dual(s.a * o.a, s.a * o.b + s.b * o.a)

    __rmul__ = __mul__

    def __truediv__(s, o):
        o = Dual.lift(o)
        return Dual(s.a / o.a, (s.b * o.a - s.a * o.b) / o.a**2)

    def __rtruediv__(s, o):
        return Dual.lift(o) / s

    def __pow__(s, n):
        return Dual(s.a**n, n * s.a ** (n - 1) * s.b)

    def __array_ufunc__(s, uf, method, *inp, **kw):
        if uf is np.sin:
            return Dual(np.sin(s.a), np.cos(s.a) * s.b)
        if uf is np.exp:
            return Dual(np.exp(s.a), np.exp(s.a) * s.b)
        if uf is np.multiply:
            return Dual.lift(inp[0]) * Dual.lift(inp[1])
        if uf is np.add:
            return Dual.lift(inp[0]) + Dual.lift(inp[1])
        return NotImplemented

    def __lt__(s, o):
        return s.a < Dual.lift(o).a

    def __ge__(s, o):
        return not s < o


def case_dual():
    def g(x):
        return np.sin(x) * x**2 + 3 / x - np.exp(x) * 2.0 if x >= 0.1 else x

    def f(x):
        d = g(Dual(x, 1.0))
        return d.a * d.b + (np.float64(2.0) * Dual(x, 1.0)).b * x

    return f, (1.3,)


class Matrix:
    def __init__(s, rows):
        s.rows = [list(r) for r in rows]

    @property
    def shape(s):
        return len(s.rows), len(s.rows[0])

    def __getitem__(s, ij):
        i, j = ij
        return s.rows[i][j]

    def __setitem__(s, ij, v):
        s.rows[ij[0]][ij[1]] = v

    def __matmul__(s, o):
        return Matrix([[sum(a * b for a, b in zip(r, c)) for c in zip(*o.rows)] for r in s.rows])

    def __add__(s, o):
        return Matrix([[a + b for a, b in zip(r, q)] for r, q in zip(s.rows, o.rows)])

    def __mul__(s, k):
        return Matrix([[a * k for a in r] for r in s.rows])

    __rmul__ = __mul__

    def T(s):
        return Matrix(zip(*s.rows))

    def minor(s, i, j):
        return Matrix([r[:j] + r[j + 1 :] for k, r in enumerate(s.rows) if k != i])

    def det(s):
        n = len(s.rows)
        if n == 1:
            return s[0, 0]
        return sum((-1) ** j * s[0, j] * s.minor(0, j).det() for j in range(n))

    def inverse(s):
        d = s.det()
        n = len(s.rows)
        return Matrix([[(-1) ** (i + j) * s.minor(j, i).det() / d for j in range(n)] for i in range(n)])

    def solve(s, b):
        n = len(b)
        A = [r[:] + [v] for r, v in zip(s.rows, b)]
        for k in range(n):
            p = max(range(k, n), key=lambda i: abs(A[i][k]))
            A[k], A[p] = A[p], A[k]
            for i in range(k + 1, n):
                m = A[i][k] / A[k][k]
                A[i] = [a - m * c for a, c in zip(A[i], A[k])]
        x = [0.0] * n
        for i in reversed(range(n)):
            x[i] = (A[i][n] - sum(A[i][j] * x[j] for j in range(i + 1, n))) / A[i][i]
        return x


def case_matrix_solve():
    def f(x):
        M = Matrix([[x[0] + 3, x[1], 0.2], [0.1, x[2] + 2, x[0]], [x[1], 0.5, 4.0]])
        return sum(M.solve([1.0, x[0], 2.0]))

    return f, (X,)


class Unit:
    def __set_name__(s, o, n):
        s.n = "_" + n

    def __get__(s, o, t=None):
        return s if o is None else getattr(o, s.n) * 1e-3

    def __set__(s, o, v):
        if v < 0:
            raise ValueError(f"{s.n} < 0")
        setattr(o, s.n, v * 1e3)


class Meta(type):
    registry = {}
    scale = 2.0

    def __new__(m, n, b, d):
        c = super().__new__(m, n, b, d)
        m.registry[n] = c
        return c

    def __call__(cls, *a, **k):
        o = super().__call__(*a, **k)
        o.tag = cls.__name__
        return o

    @property
    def doubled(cls):
        return cls.factor * 2


class Base(metaclass=Meta):
    factor = 1.5
    length = Unit()

    def __init__(s, l):
        s.length = l

    def area(s):
        return s.length**2 * type(s).scale


class Sub(Base):
    factor = 2.5

    def area(s):
        return super().area() * s.factor + type(s).doubled


def case_meta():
    def f(x):
        s = Sub(x)
        s.length = s.length * 2
        return s.area() + Meta.registry["Sub"].factor * x

    return f, (1.2,)


@functools.singledispatch
def size(o):
    return 0.0


@size.register
def _(o: float):
    return o * 2


@size.register(np.ndarray)
def _(o):
    return np.sum(o) * 3


@size.register(list)
def _(o):
    return sum(size(v) for v in o)


@size.register
def _(o: Vec):
    return o.norm


def case_single():
    return (lambda x: size(x) + size([x * 1.0, x]) + size(Vec(*x)) + size("a")), (X,)


class Model:
    def __init__(s, k):
        s.k = k
        s.calls = 0

    @functools.cached_property
    def heavy(s):
        return np.exp(s.k) * 2

    def __enter__(s):
        s.k = s.k * 2
        return s

    def __exit__(s, *a):
        s.k = s.k / 2


def case_cached():
    def f(x):
        m = Model(x[0])
        with m as q:
            y = q.heavy * q.k
        return y * m.k + m.heavy

    return f, (X,)


@contextlib.contextmanager
def scaled(d, k):
    d["v"] = d["v"] * k
    try:
        yield d
    finally:
        d["v"] = d["v"] / k


def case_cm():
    def f(x):
        d = {"v": x[0]}
        with scaled(d, 3.0) as e:
            y = np.sin(e["v"])
        return y + d["v"]

    return f, (X,)


def counted(fn):
    @functools.wraps(fn)
    def w(*a, **k):
        w.calls += 1
        return fn(*a, **k)

    w.calls = 0
    return w


class Memo:
    def __init__(s, fn):
        s.fn = fn
        s.cache = {}

    def __call__(s, *a):
        if a not in s.cache:
            s.cache[a] = s.fn(*a)
        return s.cache[a]


@counted
def cnt(x):
    return x * x


def case_counted():
    return (lambda x: cnt(x) + cnt(x + 1)), (1.5,)


def timed(fn):
    def w(*a):
        r = fn(*a)
        return r

    return w


class Op(enum.Enum):
    ADD = 1
    MUL = 2

    def apply(s, a, b):
        return a + b if s is Op.ADD else a * b


def case_enum():
    return (lambda x: Op.ADD.apply(x, 2.0) * Op(2).apply(x, x) + Op["MUL"].apply(x, 3.0)), (1.5,)


@dataclasses.dataclass
class P:
    a: float
    b: float = 2.0
    tags: list = dataclasses.field(default_factory=list)

    def __post_init__(s):
        s.c = s.a * s.b


@dataclasses.dataclass(frozen=True, order=True)
class F:
    a: float
    b: float


def case_dc():
    def f(x):
        p = P(x)
        p.tags.append(x * 2)
        q = dataclasses.replace(p, a=x * x)
        g = F(x, 1.0)
        h = dataclasses.replace(g, b=x)
        d = dataclasses.asdict(h)
        return (
            p.c + q.c + p.tags[0] + h.b * g.a + d["a"] + sum(dataclasses.astuple(g)) + max(F(x, 2.0), F(x * 2, 1.0)).b
        )

    return f, (1.5,)


PT = collections.namedtuple("PT", "x y")


def case_nt():
    def f(x):
        p = PT(x, x * 2)
        q = p._replace(y=x**3)
        a, b = q
        return a * b + q.x + p._asdict()["y"] + PT._make([x, 2.0]).x

    return f, (1.5,)


PROGRAMS = {name.removeprefix("case_"): case for name, case in list(globals().items()) if name.startswith("case_")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    f, args = PROGRAMS[name]()
    first, *rest = args
    want = f(*args)
    value, gradient = gj.value_and_grad(f, backend="interpreter")(*args)
    np.testing.assert_allclose(value, want, rtol=1e-12)
    if name in ("none",):
        return
    d = np.cos(np.arange(np.size(first)).reshape(np.shape(first)) + 0.3)
    slope = (f(first + 1e-6 * d, *rest) - f(first - 1e-6 * d, *rest)) / 2e-6
    np.testing.assert_allclose(np.sum(gradient * d), slope, rtol=1e-5, atol=1e-7)
