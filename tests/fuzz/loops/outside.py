"""What a program reads from outside, in all kinds of containers, and how it changes between two calls."""

from __future__ import annotations

import random
import re
import textwrap
from dataclasses import dataclass, field

from .names import Bool, Float, Int, Type, Vec


@dataclass(frozen=True)
class Source:
    """Something outside. Texts may hold `N`, the extent of vectors; `{}` in one that is read stands for a scalar."""

    made: str
    reads: dict[str, type | tuple[int, int]]
    """Texts, each with the type that it has: an interval is that of an integer."""
    changes: tuple[str, ...]
    named: str = ""
    """The name that a change may bind anew: a global variable, or one of the function around."""


SOURCES = (
    Source("gain = 0.4", {"gain": Float, "math.sin(gain)": Float},
           ("gain = 0.7", "gain = -0.2", "gain += 0.3"), "gain"),
    Source("steps = 1", {"steps": (0, 3)}, ("steps = 2", "steps += 1", "steps = 0"), "steps"),
    Source("flag = True", {"flag": Bool}, ("flag = False", "flag = not flag"), "flag"),
    Source("W = np.linspace(-1.0, 1.0, N)", {"W": Vec, "W[1]": Float, "W[-1]": Float, "float(np.sum(W))": Float},
           ("W[...] *= 0.5", "W[1:] += 0.1", "W = W[::-1].copy()", "np.negative(W, out=W)", "W = np.cos(W)",
            "W.fill(0.2)"), "W"),
    Source("point = np.array(0.3)", {"point * 2": Float, "float(point)": Float}, ("point[...] = 0.8", "point += 0.1"),
           "point"),
    Source("order = np.array([0, 2, 1])", {"order[1]": (0, 2)},
           ("order[1] = 0", "order = order[::-1].copy()"), "order"),
    Source("rates = [0.1, 0.2, 0.3]",
           {"rates[1]": Float, "rates[-1]": Float, "sum(rates)": Float, "len(rates)": (1, 5)},
           ("rates[1] = 0.9", "rates.append(0.5)", "rates.reverse()", "rates[:] = [0.4, 0.6]", "rates.insert(0, -0.3)",
            "rates.pop()", "rates = [0.2, 0.5]", "rates[1:] = [0.7]"), "rates"),
    Source("table = {'a': 0.2, 'v': np.ones(N)}",
           {"table['a']": Float, "table.get('b', 0.6)": Float, "table['v']": Vec, "table['v'][0]": Float,
            "(0.5 if 'b' in table else 0.1)": Float, "len(table)": (2, 3)},
           ("table['a'] = 0.9", "table['b'] = 0.1", "table['v'] = table['v'] * 0.5", "table['v'][0] = 0.3",
            "table.update(a=-0.4)", "table = {'a': 0.1, 'v': np.zeros(N)}"), "table"),
    Source("class Config:\n    rate = 0.3\n    def __init__(self):\n        self.v = np.full(N, 0.2)\n"
           "    def scaled(self, t):\n        return self.rate * t\n    @property\n    def twice(self):\n"
           "        return 2 * self.rate\n\ncfg = Config()",
           {"cfg.rate": Float, "cfg.v": Vec, "getattr(cfg, 'extra', 0.2)": Float, "cfg.scaled({})": Float,
            "cfg.twice": Float, "(0.4 if hasattr(cfg, 'extra') else 0.1)": Float},
           ("cfg.rate = 0.1", "Config.rate = 0.9", "cfg.v *= 0.5", "cfg.v = cfg.v + 0.1", "cfg.extra = -0.3",
            "cfg.__dict__['rate'] = 0.6", "setattr(cfg, 'extra', 0.9)", "Config.scaled = lambda self, t: 0.1 * t",
            "cfg = Config()\ncfg.rate = 0.8"), "cfg"),
    Source("class Slotted:\n    __slots__ = ('rate', 'v')\n    def __init__(self):\n        self.rate = 0.3\n"
           "        self.v = np.ones(N)\n\nslotted = Slotted()", {"slotted.rate": Float, "slotted.v": Vec},
           ("slotted.rate = 0.8", "slotted.v[1] = 0.4", "slotted.v = np.cos(slotted.v)"), "slotted"),
    Source("act = np.tanh", {"act({})": Float},
           ("act = np.sin", "act = math.cos", "act = lambda t: 0.3 * t"), "act"),
    Source("def damp(t, k=0.5):\n    return k * t\n", {"damp({})": Float},
           ("damp.__defaults__ = (0.2,)", "damp = np.sin",
            "damp.__code__ = (lambda t, k=0.5: k - t).__code__"), "damp"),
    Source("half = functools.partial(np.multiply, 0.5)", {"half({})": Float},
           ("half = functools.partial(np.multiply, 0.1)", "half = math.sin"), "half"),
    Source("names = {'a', 'b'}", {"(0.5 if 'a' in names else 0.1)": Float, "len(names)": (0, 3)},
           ("names.discard('a')", "names.add('c')", "names.clear()"), "names"),
    Source("queue = collections.deque([0.1, 0.4])", {"queue[0]": Float, "sum(queue)": Float, "len(queue)": (0, 3)},
           ("queue.rotate(1)", "queue.appendleft(0.7)", "queue[0] = -0.2"), "queue"),
    Source("settings = types.SimpleNamespace(rate=0.2, deep=types.SimpleNamespace(v=np.ones(N)))",
           {"settings.rate": Float, "settings.deep.v": Vec},
           ("settings.rate = 0.7", "settings.deep.v[...] = 0.3",
            "settings.deep = types.SimpleNamespace(v=np.zeros(N))"), "settings"),
    Source("Point = collections.namedtuple('Point', 'a v')\nspot = Point(0.3, np.ones(N))",
           {"spot.a": Float, "spot.v": Vec, "spot[0]": Float},
           ("spot = Point(0.5, np.zeros(N))", "spot.v[0] = 0.3", "spot = spot._replace(a=-0.4)"), "spot"),
    Source("memo = collections.defaultdict(float, {'k': 0.3})", {"memo['k']": Float, "memo.get('l', 0.2)": Float},
           ("memo['k'] = 0.8", "memo['l'] = 0.5"), "memo"),
)


@dataclass
class Outside:
    """What stands around a program's function."""

    globals: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    """Definitions in the function that makes `f`, where there is one."""
    reads: list[tuple[Type, str]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    rebound: dict[str, list[str]] = field(default_factory=lambda: {"global": [], "nonlocal": []})

    def module(self, f: list[str]) -> str:
        """The text of `f` within what it reads from outside, and of `change`."""
        if not self.changes:
            return "\n".join(f)
        declared = [f"{word} {', '.join(names)}" for word, names in self.rebound.items() if names]
        change = ["def change():", *(textwrap.indent(text, "    ") for text in [*declared, *self.changes])]
        if not self.cells:
            return "\n".join([*self.globals, "", "", *change, "", "", *f])
        inner = textwrap.indent("\n".join([*self.cells, "", *change, "", *f, "", "return f, change"]), "    ")
        return "\n".join([*self.globals, "", "", "def make():", inner, "", "", "f, change = make()"])


def outside(rng: random.Random, n: int) -> Outside:
    """One to three things, as globals or as variables of the function around, and one or two changes."""
    out = Outside()
    for source in rng.sample(SOURCES, rng.randint(1, 3)):
        word = rng.choice(("global", "global", "nonlocal"))
        place = out.globals if word == "global" else out.cells
        place.append(sized(source.made, n))
        out.rebound[word].append(source.named)
        out.reads += [(typed(t, n), text) for text, t in source.reads.items()]
        out.changes += [sized(text, n) for text in rng.sample(source.changes, rng.choice((1, 1, 2)))]
    return out


def sized(text: str, n: int) -> str:
    return re.sub(r"\bN\b", str(n), text)


def typed(t: type | tuple[int, int], n: int) -> Type:
    if isinstance(t, tuple):
        return Int(*t, fixed=True)
    found: Type = Vec(n) if t is Vec else t()
    return found
