"""Mutants of programs: tokens, numbers, types, operands, lines and regions changed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gradjit.errors import GradjitError
from gradjit.ir import OPS, parse
from gradjit.ir.types import DTYPES

TOKEN = re.compile(r"%[\w.]+|@[\w.<>]+|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z_]\w*|\s+|.", re.DOTALL)
NUMBERS = ("0", "1", "-1", "2", "3", "5", "7", "17", "64", "1000", "65536", "2147483648", "-2147483649",
           "9007199254740993", "4611686018427387904", "9223372036854775807", "-9223372036854775808",
           "9223372036854775808", "100000000000000000000000000000", "9" * 5000, "1.5", "-0.0", "1e308", "1e-320",
           "1e999", "nan", "inf", "-inf")
PLACES = re.compile(r"(?:(?<=[\[,])|(?<=:\+))-?\d+(?=[^\[]*:\+|[,\]])(?<!axes=\[\d)(?<!dims=\[\d)(?<!perm=\[\d)")
"""Numbers that may be computed: in windows and extents."""
LIKE = [[name for name, spec in OPS.items() if (spec.family, spec.arity, set(spec.attrs), spec.regions) == kind]
        for kind in dict.fromkeys((s.family, s.arity, frozenset(s.attrs), s.regions) for s in OPS.values())]
"""Operations that can stand for each other."""


@dataclass(frozen=True)
class Mutant:
    """A text, perhaps no program."""

    seed: int
    text: str

    def __str__(self) -> str:
        return f"{self.text:.4000}"


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def places(found: Sequence[str], which: Callable[[str], bool]) -> list[int]:
    return [k for k, t in enumerate(found) if which(t)]


def is_number(t: str) -> bool:
    return t[0].isdigit() or (t[0] == "-" and len(t) > 1)


class Mutation:
    """One text with a generator of random numbers. Every method gives a changed text, or the same where it finds
    nothing to change."""

    def __init__(self, text: str, rng: random.Random):
        self.text = text
        self.rng = rng
        self.found = tokens(text)

    def at(self, which: Callable[[str], bool]) -> int | None:
        found = places(self.found, which)
        return self.rng.choice(found) if found else None

    def joined(self) -> str:
        return "".join(self.found)

    def replaced(self, which: Callable[[str], bool], by: Callable[[str], str]) -> str:
        if (k := self.at(which)) is not None:
            self.found[k] = by(self.found[k])
        return self.joined()

    # tokens -----------------------------------------------------------------------------------------------------------
    def delete(self) -> str:
        return self.replaced(lambda t: not t.isspace(), lambda t: "")

    def duplicate(self) -> str:
        return self.replaced(lambda t: not t.isspace(), lambda t: f"{t} {t}")

    def swap(self) -> str:
        j, k = self.at(lambda t: not t.isspace()), self.at(lambda t: not t.isspace())
        if j is not None and k is not None:
            self.found[j], self.found[k] = self.found[k], self.found[j]
        return self.joined()

    def number(self) -> str:
        """A number at the end of what there is; a whole one for a whole one, mostly."""
        def by(t: str) -> str:
            whole = t.lstrip("-").isdigit() and self.rng.random() < 0.8
            return self.rng.choice(NUMBERS[:18] if whole else NUMBERS)
        return self.replaced(is_number, by)

    def near(self) -> str:
        def by(t: str) -> str:
            return str(int(t) + self.rng.choice((-2, -1, 1, 2))) if t.lstrip("-").isdigit() and len(t) < 99 else t
        return self.replaced(is_number, by)

    def everywhere(self) -> str:
        """One number, or one dtype, wherever it stands."""
        k = self.at(lambda t: is_number(t) or t in DTYPES)
        if k is None:
            return self.text
        old = self.found[k]
        new = self.rng.choice(list(DTYPES) if old in DTYPES else ("0", "1", "2", "3", "4", "33", "200"))
        return "".join(new if t == old else t for t in self.found)

    def dtype(self) -> str:
        return self.replaced(lambda t: t in DTYPES, lambda t: self.rng.choice(list(DTYPES)))

    def operand(self) -> str:
        """A value in the place of another, mostly one of the same type that stands before it."""
        k = self.at(lambda t: t[0] == "%")
        if k is None:
            return self.text
        before = "".join(self.found[:k])
        types = dict(re.findall(r"(%[\w.]+): (\w+\[[^\]]*\])", before))
        like = [n for n, t in types.items() if t == types.get(self.found[k]) and n != self.found[k]]
        near = like if like and self.rng.random() < 0.7 else list(types)
        if near:
            self.found[k] = self.rng.choice(near)
        return self.joined()

    def operation(self) -> str:
        def by(t: str) -> str:
            group = next(g for g in LIKE if t in g)
            return self.rng.choice(group if self.rng.random() < 0.8 else list(OPS))
        return self.replaced(lambda t: t in OPS, by)

    def computed(self) -> str:
        """A number in brackets becomes one that is computed."""
        lines = self.text.split("\n")
        held = [k for k, line in enumerate(lines) if " = " in line and PLACES.search(line.partition(" = ")[2])]
        if not held:
            return self.text
        k = self.rng.choice(held)
        head, _, tail = lines[k].partition(" = ")
        m = self.rng.choice(list(PLACES.finditer(tail)))
        value = m.group() if self.rng.random() < 0.4 else self.rng.choice(NUMBERS[:18])
        scalars = re.findall(r"(%[\w.]+): i64\[\]", "\n".join(lines[:k]))
        name = self.rng.choice(scalars) if scalars and self.rng.random() < 0.5 else f"%zz{k}"
        if name == f"%zz{k}":
            lines.insert(k, f"  {name}: i64[] = const {value}")
            k += 1
        lines[k] = head + " = " + tail[:m.start()] + name + tail[m.end():]
        if self.rng.random() < 0.5:  # and in the types of results
            lines[k] = lines[k].replace(f"[{m.group()}]", f"[{name}]")
        return "\n".join(lines)

    def attribute(self) -> str:
        """Without an attribute, or with a list changed."""
        spots = list(re.finditer(r"\w+=(\[[^\]]*\]|[\w.\"-]+)", self.text))
        if not spots:
            return self.text
        m = self.rng.choice(spots)
        items = m.group(1).strip("[]").split(",")
        if m.group(1)[0] != "[" or self.rng.random() < 0.3:
            new = ""
        else:
            self.rng.shuffle(items)
            items = [*items, *items[:1]] if self.rng.random() < 0.3 else items[1:] if self.rng.random() < 0.4 else items
            new = m.group().partition("=")[0] + "=[" + ",".join(items) + "]"
        return self.text[:m.start()] + new + self.text[m.end():]

    # lines and regions ------------------------------------------------------------------------------------------------
    def move(self) -> str:
        lines = self.text.split("\n")
        k = self.rng.randrange(len(lines))
        line = lines.pop(k)
        lines.insert(max(0, k + self.rng.choice((-3, -2, -1, 1, 1, 2, 3, 5))), line)
        return "\n".join(lines)

    def drop(self) -> str:
        lines = self.text.split("\n")
        del lines[self.rng.randrange(len(lines))]
        return "\n".join(lines)

    def again(self) -> str:
        """A line once more, its results under other names."""
        lines = self.text.split("\n")
        k = self.rng.randrange(len(lines))
        head, equals, tail = lines[k].partition(" = ")
        lines.insert(k + self.rng.choice((1, 1, 2, 3)), re.sub(r"%([\w.]+)", r"%\1x", head) + equals + tail)
        return "\n".join(lines)

    def cut(self) -> str:
        """A stretch that begins or ends with a brace is gone, or is there twice."""
        braces = [k for k, t in enumerate(self.found) if t in "{}()"]
        if len(braces) < 2:
            return self.text
        j, k = sorted(self.rng.sample(braces, 2))
        part = self.found[j:k + 1]
        return "".join(self.found[:j] + (part * 2 if self.rng.random() < 0.3 else []) + self.found[k + 1:])

    def noise(self) -> str:
        k = self.rng.randrange(len(self.text) + 1)
        what = self.rng.choice(("bytes", "end", "nest"))
        if what == "end":
            return self.text[:k]
        if what == "nest":
            return self.text[:k] + self.rng.choice("([{") * self.rng.choice((1, 70, 3000)) + self.text[k:]
        some = "".join(chr(self.rng.choice((self.rng.randrange(128), self.rng.randrange(0x2100)))) for _ in range(3))
        return self.text[:k] + some + self.text[k + self.rng.randrange(3):]


WEIGHTS: dict[Callable[[Mutation], str], int] = {
    Mutation.delete: 2, Mutation.duplicate: 1, Mutation.swap: 2, Mutation.number: 8, Mutation.near: 12,
    Mutation.everywhere: 12, Mutation.dtype: 3, Mutation.operand: 16, Mutation.operation: 16, Mutation.computed: 24,
    Mutation.attribute: 4, Mutation.move: 6, Mutation.drop: 2, Mutation.again: 6, Mutation.cut: 1, Mutation.noise: 2,
}


def mutant(texts: Sequence[str], seed: int) -> str:
    """The mutant of a seed: one text of the corpus, changed in one to three places. One that the parser refuses, as
    most do, is given up now and then for another."""
    rng = random.Random(seed)
    while True:
        text = rng.choice(texts)
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
            (change,) = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
            text = change(Mutation(text, rng)) if text else text
        text = repaired(text)
        if parses(text) or rng.random() < 0.4:
            return text


def parses(text: str) -> bool:
    try:
        parse(text)
    except GradjitError:
        return False
    except Exception:  # a finding
        return True
    return True


GIVES = re.compile(r"<ir>:(\d+): (@[\w.<>]+ returns|[a-z_0-9]+ gives) \[(.*)\], declared \[(.*)\]")


def repaired(text: str) -> str:
    """The text with the types of results that follow from a change, so that more mutants get past the parser."""
    for _ in range(12):
        try:
            parse(text)
        except GradjitError as e:
            m = GIVES.match(str(e))
            if m is None:
                return text
            lines = text.split("\n")
            k, types = int(m.group(1)) - 1, re.findall(r"\w+\[[^\]]*\]", m.group(3))
            if m.group(2)[0] == "@":
                name = m.group(2).partition(" ")[0]
                k = next((j for j, line in enumerate(lines) if f"{name}(" in line), 0)
                new = re.sub(r"-> .* \{", f"-> {types[0] if len(types) == 1 else '(' + ', '.join(types) + ')'} {{",
                             lines[k])
            else:
                head, equals, tail = lines[k].partition(" = ")
                names = re.findall(r"%[\w.]+(?=:)", head)
                if len(names) != len(types):
                    return text
                new = "  " + ", ".join(f"{n}: {t}" for n, t in zip(names, types, strict=True)) + equals + tail
            if new == lines[k]:
                return text
            lines[k] = new
            text = "\n".join(lines)
        except Exception:  # a finding, which `check` will meet again
            return text
        else:
            return text
    return text
