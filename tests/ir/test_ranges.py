"""Linear forms of integers, and between which numbers they lie."""

from __future__ import annotations

import pytest

from gradjit.ir import Func, Value, interpret, parse, verify
from gradjit.ir.core import walk
from gradjit.ir.greatest_extents import upper_bound
from gradjit.ir.ranges import Ranges, elements, owners_of, range_length


def func(body: str, params: str = "%n: i64[], %k: i64[]", types: str = "") -> Func:
    """A function of this body, verified."""
    f = next(iter(parse(f"func @f({params}) -> {types or '()'} {{\n{body}\n}}\n").funcs.values()))
    verify(f)
    return f


def named(f: Func) -> dict[str, Value]:
    """The values by name; those without are `0`, `1`, ... as printed."""
    found = {p.name: p for p in f.params}
    for op in walk(f.body):
        for block in op.regions:
            found.update((p.name, p) for p in block.params)
        found.update((r.name, r) for r in op.results)
    return found


def of(body: str, *names: str, **kwargs: str) -> tuple[Ranges, list[Value]]:
    f = func(body, **kwargs)
    values = named(f)
    return Ranges(owners_of(f)), [values[n] for n in names]


LOOPS = """
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %ten: i64[] = const 10
  = for %zero, %ten, %one {
    (%i: i64[])
    %next: i64[] = add %i, %one
    = for %next, %ten, %one {
      (%j: i64[])
      %d: i64[] = sub %j, %i
      %rest: i64[] = sub %ten, %j
      %back: i64[] = neg %one
      = for %j, %i, %back {
        (%b: i64[])
        %twice: i64[] = add %b, %b
        yield
      }
      yield
    }
    yield
  }
  return
"""


@pytest.mark.parametrize(("name", "interval"), [
    ("i", (0, 9)), ("next", (1, 10)), ("j", (1, 9)), ("d", (1, 9)), ("rest", (1, 9)), ("b", (1, 9)), ("twice", (2, 18)),
])
def test_indices_of_nested_loops_and_what_is_computed_from_them(name: str, interval: tuple[int, int]) -> None:
    r, (v,) = of(LOOPS, name)
    assert r.interval(v) == interval


def test_an_index_is_within_its_bounds_even_where_these_are_not_known() -> None:
    r, (n, i) = of("""
      %zero: i64[] = const 0
      %one: i64[] = const 1
      = for %zero, %n, %one { (%i: i64[])
        yield
      }
      return""", "n", "i")
    assert r.is_less(i, n) and r.is_nonnegative(i)
    assert not r.is_less(i, r.linear(n) - 1)
    assert r.interval(n) == (None, None) and r.upper(i) is None


def test_steps() -> None:
    body = """
      %zero: i64[] = const 0
      %step: i64[] = const 4
      %end: i64[] = add %k, %step
      %twelve: i64[] = const 12
      = for %zero, %twelve, %step { (%i: i64[])
        yield
      }
      = for %k, %end, %step { (%only: i64[])
        yield
      }
      return"""
    r, (i, only, k) = of(body, "i", "only", "k")
    assert r.interval(i) == (0, 8)
    assert r.is_nonnegative(r.linear(k) - r.linear(only)) and r.is_nonnegative(r.linear(only) - r.linear(k))


def test_a_step_whose_sign_alone_is_known() -> None:
    body = """
      %zero: i64[] = const 0
      %one: i64[] = const 1
      %ten: i64[] = const 10
      %step: i64[] = maximum %k, %one
      = for %zero, %ten, %step { (%up: i64[])
        yield
      }
      %down: i64[] = neg %step
      = for %ten, %zero, %down { (%i: i64[])
        yield
      }
      = for %zero, %ten, %k { (%any: i64[])
        yield
      }
      return"""
    r, (up, down, unknown) = of(body, "up", "i", "any")
    assert r.interval(up) == (0, 9) and r.interval(down) == (1, 10) and r.interval(unknown) == (None, None)


@pytest.mark.parametrize(("op", "interval"), [
    ("minimum %k, %ten", (None, 10)),
    ("maximum %k, %ten", (10, None)),
    ("abs %k", (0, None)),
    ("mod %k, %ten", (0, 9)),
    ("and %k, %ten", (0, 10)),
    ("bounded %k extent=[10]", (0, 9)),
    ("bounded %k extent=[%ten]", (0, 9)),
    ("floordiv %clipped, %ten", (0, 1)),
    ("shr %clipped, %one", (1, 7)),
    ("mul %clipped, %clipped", (9, 225)),
    ("select %c, %clipped, %ten", (3, 15)),
    ("sub %ten, %clipped", (-5, 7)),
    ("mul %clipped, %ten", (30, 150)),
])
def test_intervals_of_scalars(op: str, interval: tuple[int | None, int | None]) -> None:
    body = f"""
      %one: i64[] = const 1
      %three: i64[] = const 3
      %ten: i64[] = const 10
      %fifteen: i64[] = const 15
      %low: i64[] = maximum %k, %three
      %clipped: i64[] = minimum %low, %fifteen
      %c: bool[] = lt %k, %n
      %x: i64[] = {op}
      return %x"""
    r, (x,) = of(body, "x", types="i64[]")
    assert r.interval(x) == interval


def test_intervals_hold() -> None:
    """What is claimed against what the interpreter computes."""
    body = """
      %three: i64[] = const 3
      %minus: i64[] = const -7
      %q: i64[] = floordiv %k, %three
      %m: i64[] = mod %k, %three
      %lo: i64[] = maximum %k, %minus
      %hi: i64[] = minimum %lo, %n
      %a: i64[] = abs %hi
      %p: i64[] = mul %hi, %m
      %s: i64[] = sub %k, %q
      return %q, %m, %lo, %hi, %a, %p, %s"""
    f = func(body, types="(" + ", ".join(["i64[]"] * 7) + ")")
    r = Ranges()
    for k in range(-12, 13):
        for n in range(-12, 13):
            for v, number in zip(f.results, interpret(f, [n, k]), strict=True):
                lo, hi = r.interval(v)
                assert (lo is None or lo <= number) and (hi is None or number <= hi)
    for k in range(-12, 13):
        r = Ranges()
        r.declare(f.params[1], k, k + 1)
        for v, number in zip(f.results[:3], interpret(f, [5, k]), strict=False):
            lo, hi = r.interval(v)
            assert lo is not None and hi is not None and lo <= number <= hi


def test_a_minimum_is_compared_case_by_case() -> None:
    body = """
      %zero: i64[] = const 0
      %one: i64[] = const 1
      %three: i64[] = const 3
      = for %zero, %n, %one { (%i: i64[])
        %next: i64[] = add %i, %three
        %stop: i64[] = minimum %next, %n
        %size: i64[] = sub %stop, %i
        yield
      }
      return"""
    r, (size,) = of(body, "size")
    assert r.interval(size) == (1, 3)


def test_an_index_that_wraps() -> None:
    body = """
      %zero: i64[] = const 0
      %one: i64[] = const 1
      %ten: i64[] = const 10
      = for %zero, %ten, %one { (%i: i64[])
        %back: i64[] = sub %i, %one
        %negative: bool[] = lt %back, %zero
        %behind: i64[] = add %back, %ten
        %place: i64[] = select %negative, %behind, %back
        yield
      }
      return"""
    r, (place,) = of(body, "place")
    assert r.interval(place) == (0, 9)


def test_what_an_index_says_of_its_bound() -> None:
    r, (n,) = of("""
      %zero: i64[] = const 0
      %one: i64[] = const 1
      = for %zero, %n, %one { (%i: i64[])
        %both: i64[] = add %i, %n
        %last: i64[] = sub %both, %one
        yield
      }
      return""", "last")
    assert r.is_nonnegative(n)


def test_halves() -> None:
    body = """
      %two: i64[] = const 2
      %zero: i64[] = const 0
      %n0: i64[] = maximum %n, %zero
      %half: i64[] = floordiv %n0, %two
      %both: i64[] = add %half, %half
      %left: i64[] = sub %n0, %both
      return"""
    r, (left,) = of(body, "left")
    assert r.interval(left) == (0, 1)


def test_forms_are_compared_whatever_the_order_of_operations() -> None:
    body = """
      %one: i64[] = const 1
      %three: i64[] = const 3
      %a: i64[] = sub %n, %k
      %b: i64[] = add %a, %one
      %c: i64[] = mul %b, %three
      %d: i64[] = mul %k, %three
      %e: i64[] = add %c, %d
      %f: i64[] = mul %n, %three
      %g: i64[] = floordiv %e, %three
      %h: i64[] = neg %f
      return"""
    r, (c, d, e, f, g, h, n, k) = of(body, *"cdefghnk")
    assert r.difference(e, f) == 3
    assert r.difference(g, n) == 1
    assert r.difference(h, r.linear(f) * -1) == 0
    assert r.difference(c, d) is None
    assert str(r.linear(c)) == "3*%n - 3*%k + 3" and r.linear(e) == r.linear(f) + 3
    assert hash(r.linear(n) + r.linear(k)) == hash(r.linear(k) + r.linear(n))


def test_sums_that_may_wrap_are_any_numbers() -> None:
    f = func("""
      %five: i64[3] = const 5
      %small: i64[3] = minimum %a, %five
      %sum: i64[3] = add %small, %five
      %twice: i64[3] = add %small, %small
      %index: i64[3] = iota shape=[3] axis=0 dtype=i64
      %apart: i64[3] = sub %index, %five
      %unknown: i64[3] = sub %index, %a
      %large: i64[3] = const 9000000000000000000
      %beyond: i64[3] = add %large, %large
      %total: i64[] = sum %index axes=[0]
      %too_much: i64[] = sum %large axes=[0]
      return""", params="%a: i64[3]")
    found = {name: elements(v) for name, v in named(f).items()}
    assert found["small"] == (None, 5) and found["sum"][1] == 10 and found["apart"] == (-5, -3)
    assert found["total"] == (0, 6)
    assert {found[k] for k in ("twice", "unknown", "beyond", "too_much")} == {(None, None)}


def test_elements_of_arrays() -> None:
    f = func("""
      %order: i64[5] = argsort %x axis=0
      %back: i64[5] = slice %order [4:+5:-1]
      %first: i64[1] = slice %back [%i:+1]
      %scalar: i64[] = reshape %first shape=[]
      %most: i64[] = argmax %x axis=0
      %table: i64[3] = const {7,-2,4}
      %byte: i64[] = cast %u dtype=i64
      %narrow: i8[] = cast %i dtype=i8
      %again: i64[] = cast %narrow dtype=i64
      %wide: u64[] = cast %i dtype=u64
      %turned: i64[] = cast %wide dtype=i64
      return""", params="%x: f64[5], %i: i64[], %u: u8[]")
    values, r = named(f), Ranges()
    assert r.interval(values["scalar"]) == r.interval(values["most"]) == (0, 4)
    assert elements(values["table"]) == (-2, 7)
    assert r.interval(values["byte"]) == (0, 255) and r.interval(values["again"]) == (-128, 127)
    assert r.interval(values["turned"]) == (None, None)


def test_declared_ranges_and_facts() -> None:
    f = func("return")
    n, k = f.params
    r = Ranges()
    r.declare(n, 0, None)
    r.declare(k, r.linear(n) + 1, r.linear(n) * 2)
    assert r.is_less(n, k) and r.is_less(k, r.linear(n) * 2) and r.lower(k) == 1
    assert upper_bound(k, r) is None and upper_bound(7, r) == 7
    r.facts.append(r.linear(10) - r.linear(k))
    assert upper_bound(k, r) == 10
    r.facts.pop()
    assert upper_bound(k, r) is None


def test_facts_hold_together() -> None:
    """A form that needs two of them: what is said of an atom alone are its bounds."""
    r, (n, most, rest, twice) = of("""
  %one: i64[] = const 1
  %zero: i64[] = const 0
  %two: i64[] = const 2
  %less: i64[] = sub %n, %one
  %most: i64[] = maximum %less, %zero
  %small: i64[] = minimum %n, %one
  %rest: i64[] = sub %n, %small
  %twice: i64[] = mul %k, %two
  return""", "n", "most", "rest", "twice")
    assert r.interval(most) == (0, None)
    with r.supposing([r.linear(200) - r.linear(n), r.linear(n)]):
        assert r.interval(n) == (0, 200)
        assert r.interval(most) == (0, 199)
        assert r.interval(rest) == (0, 199)
        with r.supposing([r.linear(7) - r.linear(n)]):
            assert r.interval(most) == (0, 6)
        assert r.interval(most) == (0, 199)
    assert r.interval(most) == (0, None)
    assert r.interval(n) == (None, None)
    k = r.linear(twice).atoms[0]
    with r.supposing([r.linear(twice), r.linear(9) - r.linear(twice), r.linear(7) - r.linear(k)]):
        assert r.interval(twice) == (0, 9)
        assert r.interval(k) == (None, 7)  # twice as much may have wrapped


def test_a_side_is_as_its_condition_says() -> None:
    r, (m,) = of("""
  %far: i64[] = const 120
  %some: i64[] = const 20
  %big: bool[] = gt %n, %far
  %m: i64[] = if %big {
    ()
    yield %some
  } {
    ()
    yield %n
  }
  return""", "m")
    assert r.interval(m) == (None, 120)


def test_a_branch_gives_one_of_two_numbers() -> None:
    body = """
      %one: i64[] = const 1
      %four: i64[] = const 4
      %c: bool[] = lt %n, %k
      %x: i64[] = if %c { ()
        yield %one
      } { ()
        yield %four
      }
      return"""
    r, (x,) = of(body, "x")
    assert r.interval(x) == (1, 4)


def test_bounded_raises() -> None:
    f = func("%x: i64[] = bounded %k extent=[%n]\nreturn %x", types="i64[]")
    assert interpret(f, [3, 2]) == [2]
    for n, k in ((3, 3), (3, -1), (0, 0)):
        with pytest.raises(IndexError, match=f"index {k} is out of bounds for an axis of size {n}"):
            interpret(f, [n, k])


def test_long_chains_do_not_exhaust_the_stack() -> None:
    lines = ["%one: i64[] = const 1", "%v0: i64[] = add %n, %one"]
    lines += [f"%v{k + 1}: i64[] = add %v{k}, %one" for k in range(3000)]
    r, (last, n) = of("\n".join([*lines, "return"]), "v3000", "n")
    assert r.lower(last) is None
    first = Ranges()
    values = named(func("\n".join([*lines, "return"])))
    for k in range(3001):
        first.linear(values[f"v{k}"])
    assert first.difference(values["v3000"], values["n"]) == 3001
    assert r.difference(n, n) == 0


def test_long_chains_of_other_operations_are_cut() -> None:
    """A generator of random numbers, unrolled: each is bounded by itself, whatever it was computed from."""
    lines = ["%five: i64[] = const 5", "%m: i64[] = const 97", "%k0: i64[] = maximum %n, %five"]
    for k in range(500):
        lines += [f"%t{k}: i64[] = mul %k{k}, %five", f"%s{k}: i64[] = minimum %t{k}, %n",
                  f"%u{k}: i64[] = maximum %s{k}, %k{k}", f"%k{k + 1}: i64[] = mod %u{k}, %m"]
    r, (last, before) = of("\n".join([*lines, "return"]), "k500", "u499")
    assert r.interval(last) == (0, 96)
    assert r.lower(before) == 0


@pytest.mark.parametrize(("lo", "hi", "step"), [(0, 7, 2), (0, 8, 2), (5, 5, 1), (5, 3, 1), (9, -2, -3), (3, 9, -1)])
def test_the_length_of_a_range(lo: int, hi: int, step: int) -> None:
    assert range_length(lo, hi, step) == len(range(lo, hi, step))
