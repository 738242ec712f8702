"""Integer arrays of all dtypes: written in place, mixed with each other and with floats, as indices and as masks."""

from __future__ import annotations

from collections.abc import Callable

from .names import Float, Ints, Vec
from .statements import Statements

SIGNED = ("int64", "int64", "int32", "int16", "int8")
UNSIGNED = ("uint8", "uint32")
ARITHMETIC = ("{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} // ({1} * {1} + 1)", "{0} % 5", "{0} // 3", "{0} & {1}",
              "{0} | 1", "{0} ^ {1}", "{0} << 1", "{0} >> 1", "-{0}", "~{0}", "np.maximum({0}, {1})", "np.sort({0})",
              "np.where({0} > {1}, {0}, 2)", "np.cumsum({0} % 3)", "{0}[::-1]", "({0} > {1}).astype(int)",
              "np.roll({0}, 1)", "{0}.astype(np.{2})", "np.divmod({0}, 3)[1]", "({0} / 2).astype(int)")
NEGATIVE = ("{0} // -2", "{0} % -3", "abs({0})", "np.clip({0}, -3, 3)", "np.sign({0})", "{0} - 9")
"""What only signed integers allow: NumPy raises an error for a negative number and an unsigned array."""
AUGMENTED = ("+= {}", "-= {}", "*= 2", "//= 2", "%= 5", ">>= 1", "<<= 1", "&= 6", "^= {}", "|= 1")


def declared(g: Statements, n: int) -> list[tuple[str, str, Ints]]:
    """Names, texts and types of one or two integer arrays, for a function of `x` and `idx`."""
    texts = (f"np.arange({n}, dtype=np.{{}})", f"np.ones({n}, np.{{}})", f"np.full({n}, idx[0]).astype(np.{{}})",
             "np.argsort(x).astype(np.{})", f"(np.arange({n}) * 2 % 5).astype(np.{{}})",
             f"np.array([idx[k % 4] for k in range({n})], dtype=np.{{}})")
    found = []
    for k in range(g.rng.randint(1, 2)):
        signed = g.chance(0.7)
        found.append((f"q{k}", g.pick(texts).format(g.pick(SIGNED if signed else UNSIGNED)), Ints(n, signed)))
    return found


def array(g: Statements) -> tuple[str, Ints] | None:
    return g.named(Ints)


def number(g: Statements, t: Ints) -> str:
    """A small integer that such an array takes: a constant, a name's, an element's."""
    other = g.pick(g.scope.names(lambda u: u == t))
    texts = [str(g.rng.randint(0, 5)), f"({g.integer().text}) % 4", f"{other}[{g.index(t.n)}] % 5",
             f"{other}[{g.index(t.n)}]"]
    return g.pick([*texts, str(g.rng.randint(-4, -1)), f"int({g.scalar(0)} * 2)"] if t.signed else texts)


def compute(g: Statements, depth: int = 0) -> None:
    """A new value of one name, of the same dtype or bound anew with the one that comes."""
    found = array(g)
    if found is None:
        return g.set_scalar()
    name, t = found
    other = g.pick(g.scope.names(lambda u: u == t))
    text = g.pick(ARITHMETIC + NEGATIVE if t.signed else ARITHMETIC).format(name, other, g.pick(SIGNED + UNSIGNED))
    g.emit(g.pick((f"{name}[:] = {text}", f"{name} = ({text}) % 7", f"{name}[1:] = ({text})[:-1]",
                   f"{name} = ({text}).astype({name}.dtype)")))


def augment(g: Statements, depth: int = 0) -> None:
    found = array(g)
    if found is None:
        return g.set_scalar()
    name, t = found
    n = t.n
    place = g.pick((f"[{g.index(n)}]", "[1:]", "[::2]", "", f"[{name} > 1]", f"[{g.bounds(n)}]", f"[{name} % {n}]"))
    g.emit(f"{name}{place} {g.pick(AUGMENTED).format(number(g, t))}")


def element(g: Statements, depth: int = 0) -> None:
    found = array(g)
    if found is None:
        return g.set_scalar()
    name, t = found
    n = t.n
    i, j = g.index(n), g.index(n)
    g.emit(g.pick((f"{name}[{i}] = {number(g, t)}", f"{name}[{i}] = {name}[{j}] + 1",
                   f"{name}[{i}] = {'3 * ' if t.signed else 'abs'}({g.scalar(0)})",
                   f"{name}[{i}], {name}[{j}] = {name}[{j}], {name}[{i}]",
                   f"np.add.at({name}, {name} % {n}, {g.pick(('1', '2', 'True'))})")))


def mixed(g: Statements, depth: int = 0) -> None:
    """Floats from integers."""
    found = array(g)
    s = g.name(lambda t: isinstance(t, Float))
    if found is None or s is None:
        return g.set_scalar()
    name, n = found[0], found[1].n
    texts = [f"{s} = 0.1 * np.tanh(np.sum({name}) * {s})", f"{s} += 0.01 * {name}[{g.index(n)}]",
             f"{s} = 0.1 * {s} / (1 + {name}[{g.index(n)}] % 3)", f"{s} -= 0.02 * ({name} % 4).mean()"]
    vectors = g.scope.names(lambda t: isinstance(t, Vec))
    if vectors:
        v = g.pick(vectors)
        t = g.scope[v]
        assert isinstance(t, Vec)
        k = t.n
        texts += [f"{s} = 0.3 * {v}[{name}[{g.index(n)}] % {k}]", f"{s} = 0.2 * np.sum({v}[{name} % {k}])",
                  f"{v}[{name} % {k}] += 0.1 * {s}", f"{v}[{name} % {k}] = {g.scalar(0)}",
                  f"np.add.at({v}, {name} % {k}, {s})", f"{s} = 0.1 * np.take({v}, {name} % {k}).sum()",
                  f"{v} *= 1 - 0.1 * ({name}[0] % 3)"]
        if k == n:
            texts += [f"{v} = 0.5 * np.where({name} > 1, {v}, {s})", f"{v} += 0.01 * {name}",
                      f"{v} = {v} / (1 + ({name} % 3))", f"{v}[{name} > 1] *= 0.5",
                      f"{s} = 0.05 * ({v} @ ({name} % 3))"]
    g.emit(g.pick(texts))


INTEGERS: dict[Callable[..., None], int] = {compute: 3, augment: 4, element: 3, mixed: 4}
"""Statements, and how often they come where there are integer arrays."""
