"""What programs are written with besides arrays: lists that grow, dicts, objects, exceptions; and functions that only
compute, and are called again and again, with writes in between."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from .names import Float, Listed, Pure, Vec
from .statements import MOST_ITERATIONS, Statements

PRELUDE = '''\
@dataclasses.dataclass
class Body:
    a: float
    v: np.ndarray

    def move(self, t):
        self.v[0] += 0.1 * t
        self.a = 0.5 * (self.a + t)

    @property
    def size(self):
        return 0.1 * np.sum(self.v) + self.a

    def scaled(self, t):
        return dataclasses.replace(self, a=t * self.a)


class Stop(Exception):
    pass


@contextlib.contextmanager
def doubled(v):
    v *= 2.0
    yield v
    v *= 0.5


'''


VECTOR, SCALAR, LIST, PAIR = "vector", "scalar", "list", "pair"
BODIES: tuple[tuple[str, str], ...] = (
    (VECTOR, "return 0.5 * a + t"), (VECTOR, "b = a.copy()\nb[0] = t\nreturn b"), (VECTOR, "return a[::-1]"),
    (VECTOR, "return a"), (VECTOR, "return a if t > 0.1 else 0.5 * a"), (VECTOR, "a[0] += 0.1 * t\nreturn 0.5 * a"),
    (VECTOR, "b = 0.3 * a\nfor k in range(1, len(a)):\n    b[k] += 0.5 * b[k - 1]\nreturn b"),
    (SCALAR, "return np.tanh(np.sum(a)) * t"), (SCALAR, "if t > a[0]:\n    return a[1]\nreturn 0.5 * t"),
    (SCALAR, "return sum(np.sin(e) for e in a) * 0.2"), (LIST, "return [t, 0.1 * np.sum(a)]"),
    (LIST, "found = [t]\nfor e in a:\n    found.append(0.3 * e)\nreturn found"), (PAIR, "return np.sin(a), 0.5 * t"),
    (PAIR, "return a[:], np.max(a)"),
)
RECURSIVE = ("return 0.1 * t + 0.05 * np.sum(a) if n == 0 else 0.5 * {0}(a, t, n - 1) + {0}(a, np.tanh(t), n - 1)",
             "return 0.3 * t if n < 1 else {0}(0.5 * a, t, n - 2) - {0}(a, t, n - 1) * a[n % len(a)]")


def pure(rng: random.Random, k: int) -> tuple[Pure, list[str]]:
    name = f"pure{k}"
    if rng.random() < 0.25:
        return Pure(name, SCALAR), [f"def {name}(a, t, n=4):", f"    {rng.choice(RECURSIVE).format(name)}", "", ""]
    gives, body = rng.choice(BODIES)
    return Pure(name, gives), [f"def {name}(a, t):", *(f"    {line}" for line in body.split("\n")), "", ""]


def vector(g: Statements) -> tuple[str, int] | None:
    found = g.named(Vec)
    return None if found is None else (found[0], found[1].n)


def some_scalar(g: Statements) -> str:
    """A name that may be assigned to."""
    name = g.name(lambda t: isinstance(t, Float))
    if name is not None:
        return name
    name = g.fresh("t")
    g.scope.bind(name, Float())
    g.emit(f"{name} = 0.1")
    return name


# lists ----------------------------------------------------------------------------------------------------------------
def new_list(g: Statements, depth: int = 0) -> None:
    name = g.fresh("l")
    g.emit(f"{name} = {g.pick(('[{}, {}]', '[{}] + [{}, 0.2]', 'list(({}, {}))'))}".format(g.scalar(1), g.scalar(0)))
    bind_list(g, name)


def bind_list(g: Statements, name: str) -> None:
    g.scope.bind(name, Listed())
    g.scope.bind(f"{name}[-1]", Float())


def declared(g: Statements) -> dict[str, Any]:
    """Lists that the program returns."""
    g.emit(f"l = [{g.scalar(0)}, 0.5]")
    bind_list(g, "l")
    return {"l": Listed()}


def listed(g: Statements, depth: int = 0) -> None:
    """Something done to a list, or read of it."""
    name = g.name(lambda t: isinstance(t, Listed))
    if name is None:
        return new_list(g)
    s = g.scalar(1)
    if g.chance(0.6):
        g.emit(g.pick((f"{name}.append({s})", f"{name}.append({s})", f"{name} += [{s}]", f"{name}.extend([{s}, 0.1])",
                       f"if {g.condition(0)}:\n{'    ' * (g.level + 1)}{name}.append({s})", f"{name}.insert(0, {s})",
                       f"if len({name}) > 3:\n{'    ' * (g.level + 1)}{name}.pop()", f"{name}[0] = {s}",
                       f"{name} = [0.5 * e for e in {name}]", f"{name} = {name}[-2:]", f"{name} = {name}.copy()",
                       f"{name}[0], {name}[-1] = {name}[-1], {name}[0]", f"{name}.reverse()",
                       f"{name} = sorted({name})")))
    else:
        g.emit(f"{some_scalar(g)} = " + g.pick((
            f"0.1 * sum({name})", f"0.2 * max({name})", f"np.mean({name})", f"0.1 * len({name})", f"{name}[0]",
            f"0.1 * sum(e * e for e in {name})", f"np.tanh(np.sum(np.array({name})))", f"{name}[-1] - {name}[-2]",
            f"0.1 * sum(k * e for k, e in enumerate({name}))", f"0.3 * np.std({name})")))


# dicts and objects ----------------------------------------------------------------------------------------------------
def new_dict(g: Statements, depth: int = 0) -> None:
    name = g.fresh("d")
    make = g.pick(("{}", "dict({})", "collections.OrderedDict({})"))
    items = f"'a': {g.scalar(1)}, 'b': {g.scalar(0)}"
    g.emit(f"{name} = {make.format('{' + items + '}')}")
    for key in ("a", "b"):
        g.scope.bind(f"{name}['{key}']", Float())


def with_dict(g: Statements, depth: int = 0) -> None:
    found = [n for n in g.scope.names(lambda t: isinstance(t, Float)) if n.startswith("d") and n.endswith("['a']")]
    if not found:
        return new_dict(g)
    d, k, e = g.pick(found).partition("[")[0], g.fresh("k"), g.fresh("e")
    inner = "    " * (g.level + 1)
    g.emit(g.pick((
        f"for {k}, {e} in {d}.items():\n{inner}{d}[{k}] = 0.5 * {e} + {g.scalar(0)}",
        f"{d}.update(a={g.scalar(1)})", f"{d} = {{{k}: 0.8 * {e} for {k}, {e} in {d}.items()}}",
        f"{some_scalar(g)} = 0.3 * sum({d}.values())", f"{some_scalar(g)} = {d}.get('c', {g.scalar(0)})",
        f"{some_scalar(g)} = {d}.setdefault('b', 0.3)", f"{some_scalar(g)} = max({d}.values()) * 0.5",
        f"for {k} in {d}:\n{inner}{d}[{k}] *= np.cos({g.scalar(0)})", f"{d} = {d} | {{'a': {g.scalar(0)}}}",
        f"for {k} in sorted({d}, reverse=True):\n{inner}{some_scalar_of(g)} += 0.1 * {d}[{k}]")))


def some_scalar_of(g: Statements) -> str:
    """One that is there."""
    return g.name(lambda t: isinstance(t, Float)) or "_"


def new_object(g: Statements, depth: int = 0) -> None:
    found = vector(g)
    if found is None:
        return g.set_scalar()
    v, n = found
    name = g.fresh("p")
    g.emit(f"{name} = Body({g.scalar(1)}, {g.pick((v, f'0.5 * {v}', f'{v}[::-1]', f'np.zeros({n})'))})")
    g.scope.bind(f"{name}.a", Float())
    g.scope.bind(f"{name}.v", Vec(n))


def with_object(g: Statements, depth: int = 0) -> None:
    found = [n for n in g.scope.names(lambda t: isinstance(t, Float)) if n.startswith("p") and n.endswith(".a")]
    if not found:
        return new_object(g)
    p = g.pick(found)[:-2]
    others = [n[:-2] for n in found if g.scope[n[:-2] + ".v"] == g.scope[p + ".v"]]
    g.emit(g.pick((
        f"{p}.move({g.scalar(1)})", f"{p} = {p}.scaled({g.scalar(0)})", f"{some_scalar(g)} = 0.3 * {p}.size",
        f"{p} = {g.pick(others)}", f"{p} = copy.copy({g.pick(others)})", f"{p}.a, {p}.b = {g.scalar(0)}, {p}.a",
        f"{p}.v = 0.5 * {p}.v", f"{p}.v *= {g.scalar(0)}", f"setattr({p}, 'a', {g.scalar(1)})")))


def bodies(g: Statements, depth: int) -> None:
    """A list of objects, gone through."""
    found = vector(g)
    if found is None:
        return g.set_scalar()
    v, n = found
    ps, p, count = g.fresh("ps"), g.fresh("p"), g.pick((2, 3, 9))
    if g.trip_count * count > MOST_ITERATIONS:
        return g.set_scalar()
    g.emit(f"{ps} = [Body(0.1 * k, {g.pick((f'{v} * k * 0.1', f'{v}.copy()', f'np.full({n}, {g.scalar(0)})'))}) "
           f"for k in range({count})]")
    g.emit(f"for {p} in {ps}:")
    with g.turning(count, True):
        g.scope.bind(f"{p}.a", Float())
        g.scope.bind(f"{p}.v", Vec(n))
        g.statements(g.rng.randint(1, 3), depth)
    s = some_scalar(g)
    g.emit(g.pick((f"{s} = 0.1 * sum(p.size for p in {ps})", f"{s} = max(p.a for p in {ps}) * 0.3",
                   f"{s} = 0.2 * {ps}[-1].size - {ps}[0].a", f"{s} = 0.1 * min({ps}, key=lambda p: p.a).a")))


# exceptions -----------------------------------------------------------------------------------------------------------
def trying(g: Statements, depth: int) -> None:
    """A `try` whose exception comes, or not, by what is known while tracing; perhaps with `finally` or `else`."""
    found = vector(g)
    v = found[0] if found else "x"
    what, caught, e = g.fresh("u"), g.pick(("Stop", "(Stop, KeyError)", "Exception")), g.fresh("e")
    test = g.pick((f"len({v}) > 4", f"{v}.shape[0] == 4", "True", "False", f"{v}.ndim == 1"))
    g.emit(f"{what} = 0.1")
    g.emit("try:")
    with g.indented():
        if g.chance(0.6):
            g.statements(1, depth)
        g.emit(g.pick((f"if {test}:\n{'    ' * (g.level + 1)}raise Stop({g.scalar(0)})",
                       f"{what} = {{'a': {g.scalar(0)}}}[{g.pick(('chr(97)', 'chr(98)'))}]")))
        if g.chance(0.6):
            g.emit(f"{what} = {g.scalar(1)}")
    if "chr(98)" in g.lines[-1] or "chr(98)" in g.lines[-2]:
        caught = g.pick(("KeyError", "(Stop, KeyError)", "Exception"))
    g.emit(f"except {caught} as {e}:")
    with g.indented():
        g.emit(f"{what} = {g.pick((g.scalar(1), f'0.5 * {e}.args[0] if isinstance({e}, Stop) else 0.2'))}")
        if g.chance(0.4):
            g.statements(1, depth)
    if g.chance(0.3):
        g.emit("else:")
        with g.indented():
            g.statements(1, 0)
    if g.chance(0.4):
        g.emit("finally:")
        with g.indented(), g.staying():
            g.statements(1, 0)
    g.scope.bind(what, Float())


def raising(g: Statements, depth: int = 0) -> None:
    """An exception that does not come."""
    s = some_scalar(g)
    g.emit(f"if {g.pick((f'{s} > 1e3', f'abs({s}) > 1e3', f'not {s} < 1e4'))}:")
    g.emit(f"    raise {g.pick(('ValueError', 'Stop'))}(f'too large: {{{s}}}')")


def managed(g: Statements, depth: int) -> None:
    found = vector(g)
    if found is None:
        return g.set_scalar()
    v, n = found
    w = g.fresh("w")
    g.emit(f"with {g.pick(('', 'np.errstate(all=None), '))}doubled({v}) as {w}:")
    with g.indented():
        g.scope.bind(w, Vec(n))
        g.statements(g.rng.randint(1, 2), depth)


# functions that compute -----------------------------------------------------------------------------------------------
def repeated(g: Statements, depth: int = 0) -> None:
    """Some calls of one function, with arguments that are often the same, and writes in between."""
    found, pures = vector(g), g.pures
    if found is None or not pures:
        return g.set_scalar()
    v, n = found
    q, s = g.pick(pures), g.pick(("0.3", some_scalar(g), some_scalar(g)))
    names = []
    for _ in range(g.rng.randint(2, 4)):
        same = g.scope.names(lambda t: t == Vec(n))
        r = g.fresh("r")
        names.append(r)
        g.emit(f"{r} = {q.name}({v if g.chance(0.7) else g.pick(same)}, {s if g.chance(0.8) else g.scalar(0)})")
        if g.chance(0.35):
            g.emit(f"{v}[{g.index(n)}] {g.pick(('=', '+='))} {g.scalar(0)}")
        if g.chance(0.5):
            g.emit(changed(g, q, r, n))
    bind_results(g, q, names, n)


def changed(g: Statements, q: Pure, r: str, n: int) -> str:
    if q.gives == VECTOR:
        return g.pick((f"{r}[{g.index(n)}] = {g.scalar(0)}", f"{r} *= 0.5", f"{r}[1:] += 0.1"))
    if q.gives == LIST:
        return g.pick((f"{r}.append({g.scalar(0)})", f"{r}[0] = {g.scalar(0)}", f"{r}.reverse()"))
    if q.gives == PAIR:
        return g.pick((f"{r}[0][{g.index(n)}] = {g.scalar(0)}", f"{r} = ({r}[0] * 0.5, {r}[1])"))
    return f"{r} = 0.5 * {r}"


def bind_results(g: Statements, q: Pure, names: list[str], n: int) -> None:
    terms = {VECTOR: "np.sum({})", SCALAR: "{}", LIST: "sum({})", PAIR: "np.sum({0}[0]) + {0}[1]"}
    s = some_scalar(g)
    g.emit(f"{s} = np.tanh({' + '.join(f'{k + 1}.0 * ({terms[q.gives].format(r)})' for k, r in enumerate(names))})")
    for r in names:
        if q.gives == VECTOR:
            g.scope.bind(r, Vec(n))
        elif q.gives == SCALAR:
            g.scope.bind(r, Float())
        elif q.gives == LIST:
            bind_list(g, r)
        else:
            g.scope.bind(f"{r}[0]", Vec(n))


RECORDS: dict[Callable[..., None], int] = {
    new_list: 2, listed: 9, new_dict: 2, with_dict: 4, new_object: 2, with_object: 5, raising: 1, repeated: 9}
AROUND: dict[Callable[..., None], int] = {bodies: 4, trying: 5, managed: 3}
"""Statements, simple and compound, and how often they come in programs of records."""
