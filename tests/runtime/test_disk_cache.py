"""Compiled code on disk: what has one key and what has not, and that nothing but what was written is ever loaded."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradjit as gj
from gradjit.cli import main
from gradjit.ir import parse
from gradjit.ir.fingerprint import fingerprint
from gradjit.runtime import artefact, disk_cache, packed_code
from gradjit.runtime.entry import emit_entry
from gradjit.runtime.entry_key import entry_key
from gradjit.runtime.entry_spec import (
    ArraySpec,
    AttributeGuard,
    Capture,
    Constant,
    EntrySpec,
    FloatSpec,
    GlobalGuard,
    ItemRef,
    ListGuard,
    OutputSpec,
    StaticSpec,
)
from gradjit.runtime.jit import ObjectCode

KEY = "ab" * 32
POSIX = pytest.mark.skipif(os.name == "nt", reason="permissions of files are POSIX's here")
F64 = np.dtype(float)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """An empty cache that this process uses."""
    monkeypatch.setenv("GRADJIT_CACHE", "1")
    monkeypatch.setenv("GRADJIT_CACHE_DIR", str(tmp_path / "cache"))
    artefact._entries.clear()
    return tmp_path / "cache"


@pytest.fixture
def store(tmp_path):
    return disk_cache.DiskCache.at(tmp_path / "store")


def origins(f):
    return [s.origin for s in f.stats().specialisations]


# a store of bytes -----------------------------------------------------------------------------------------------------
def test_what_was_put_is_found(store):
    assert store.get(KEY) is None
    store.put(KEY, b"code")
    store.put("cd" * 32, b"")
    assert (store.get(KEY), store.get("cd" * 32)) == (b"code", b"")
    assert len(store.entries()) == 2
    assert store.verify() == (2, 0)
    assert store.clear() == 2
    assert store.get(KEY) is None


def test_another_handle_on_the_same_directory(store):
    store.put(KEY, b"code")
    assert disk_cache.DiskCache.at(store.directory).get(KEY) == b"code"


def test_every_bit_counts(store):
    """A file with any bit flipped, or cut anywhere, counts as none, and goes."""
    store.put(KEY, b"some machine code")
    path = store.path(KEY)
    whole = path.read_bytes()
    for k in range(len(whole) * 8):
        broken = bytearray(whole)
        broken[k // 8] ^= 1 << k % 8
        path.write_bytes(broken)
        assert store.get(KEY) is None
        assert not path.exists()
    for n in range(len(whole)):
        path.write_bytes(whole[:n])
        assert store.get(KEY) is None
    path.write_bytes(whole + b"\0")
    assert store.get(KEY) is None


def test_an_entry_holds_for_its_key_and_its_user_only(store, tmp_path):
    store.put(KEY, b"code")
    moved = store.path("cd" * 32)
    moved.parent.mkdir()
    store.path(KEY).rename(moved)
    assert store.get("cd" * 32) is None
    store.put(KEY, b"code")
    other = disk_cache.DiskCache.at(tmp_path / "other")
    other.path(KEY).parent.mkdir()
    other.path(KEY).write_bytes(store.path(KEY).read_bytes())
    assert other.get(KEY) is None


@POSIX
def test_files_are_the_users_alone(store):
    store.put(KEY, b"code")
    for path in (store.path(KEY), store.directory / "key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o722])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path, mode):
    where = tmp_path / f"open{mode:o}"
    where.mkdir()
    where.chmod(mode)
    with pytest.warns(RuntimeWarning, match="others may write to it"):
        assert disk_cache.DiskCache.at(where) is None


@POSIX
def test_a_key_that_others_can_read_is_not_used(tmp_path):
    store = disk_cache.DiskCache.at(tmp_path / "store")
    (store.directory / "key").chmod(0o644)
    with pytest.warns(RuntimeWarning, match="is not used: others may read its key"):
        assert disk_cache.DiskCache.at(tmp_path / "store") is None


def test_a_key_that_is_torn_is_made_anew(store):
    store.put(KEY, b"code")
    (store.directory / "key").write_bytes(b"short")
    again = disk_cache.DiskCache.at(store.directory)
    assert again.secret != store.secret
    assert again.get(KEY) is None


def test_places_where_no_cache_can_be(tmp_path):
    (tmp_path / "file").write_text("")
    assert disk_cache.DiskCache.at(tmp_path / "file") is None
    assert disk_cache.DiskCache.at(tmp_path / "file" / "below") is None


@POSIX
@pytest.mark.skipif(os.name != "nt" and os.getuid() == 0, reason="root writes everywhere")
def test_a_directory_that_cannot_be_written(store):
    store.put(KEY, b"code")
    store.directory.chmod(0o500)
    store.put("cd" * 32, b"more")
    assert (store.get(KEY), store.get("cd" * 32)) == (b"code", None)


def test_what_was_used_longest_ago_goes_first(store):
    keys = [f"{k:02x}" * 32 for k in range(10)]
    for k, key in enumerate(keys):
        store.put(key, bytes(1000))
        os.utime(store.path(key), (1000 + k, 1000 + k))
    assert store.get(keys[0]) is not None  # used just now
    size = store.size()
    assert store.sweep(size) == 0
    assert store.sweep(size // 2) > 0
    left = [key for key in keys if store.path(key).exists()]
    assert keys[0] in left and keys[9] in left and keys[1] not in left
    assert store.size() <= size // 2


def test_writing_keeps_each_folder_bounded(store):
    store.limit = disk_cache.FOLDERS * 5000
    for k in range(40):
        store.put(f"ab{16 * k % 256:02x}{k:060x}", bytes(1000))
    assert len(list(store.files("ab"))) <= 5
    store.put("cd00" + 60 * "0", bytes(9000))  # one that is larger than its share stays until the next comes
    assert store.path("cd00" + 60 * "0").exists()


def test_parts_that_a_process_left_behind_go(store):
    store.put(KEY, b"code")
    part = store.path(KEY).with_suffix(".part")
    part.write_bytes(b"co")
    os.utime(part, (1000, 1000))
    store.sweep()
    assert not part.exists()
    assert store.get(KEY) == b"code"


def test_many_threads_write_one_entry(store):
    def work(k):
        store.put(KEY, bytes([k]) * 10_000)
        return store.get(KEY)

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, range(64)):
            assert found is not None and len(set(found)) == 1 and len(found) == 10_000


@pytest.mark.parametrize("value, on", [("", True), ("1", True), ("0", False)])
def test_the_switch(monkeypatch, value, on):
    monkeypatch.setenv("GRADJIT_CACHE", value)
    assert disk_cache.is_on() is on
    assert on or disk_cache.current() is None


def test_a_switch_that_nobody_understands(monkeypatch):
    monkeypatch.setenv("GRADJIT_CACHE", "maybe")
    with pytest.warns(RuntimeWarning, match="GRADJIT_CACHE='maybe' is neither 0 nor 1"):
        assert disk_cache.is_on()


# what has one fingerprint ---------------------------------------------------------------------------------------------
BASE = """func @f(%x: f64[3]) -> f64[3] {
  %0: f64[3] = const 2.0  ; a.py:1
  %1: f64[3] = mul %x, %0  ; a.py:2
  %2: f64[3] = exp %1  ; a.py:3
  return %2
}
"""


def key(text):
    m = parse(text)
    return fingerprint(m[list(m.funcs)[-1]]).key


@pytest.mark.parametrize("before, after", [
    ("@f", "@g"), ("%x", "%other"), ("a.py:2", "b.py:20"), ("%1", "%7"),
])
def test_names_and_lines_do_not_count(before, after):
    assert key(BASE) == key(BASE.replace(before, after))


@pytest.mark.parametrize("before, after", [
    ("2.0", "2.0000000000000004"), ("2.0", "-2.0"), ("mul", "add"), ("exp", "sin"), ("f64[3]", "f64[4]"),
    ("f64", "f32"), ("return %2", "return %1"), ("mul %x, %0", "mul %0, %x"), ("a.py:3", "a.py:2"), ("  ; a.py:3", ""),
])
def test_all_else_does(before, after):
    assert before in BASE
    assert key(BASE) != key(BASE.replace(before, after))


def test_constants_count_to_the_bit():
    zero = BASE.replace("2.0", "0.0")
    assert key(zero) != key(BASE.replace("2.0", "-0.0"))


def test_open_extents_by_their_numbers():
    text = """func @f(%x: f64[n], %y: f64[m]) -> f64[{e} - 1] {{
  %0: f64[{e} - 1] = slice %{v} [1:+{e} - 1]
  return %0
}}
"""
    n, m = text.format(e="n", v="x"), text.format(e="m", v="y")
    assert key(n) == key(n.replace("f64[n", "f64[k").replace("+n", "+k")) != key(m)
    assert key(n) != key(n.replace("f64[m]", "f64[n]"))
    assert key(n) != key(n.replace("[1:", "[0:"))


def test_lines_by_their_numbers():
    f = parse(BASE)["f"]
    assert [str(loc) for loc in fingerprint(f).lines] == ["a.py:1", "a.py:2", "a.py:3"]


def test_regions_and_calls():
    text = """func @g(%x: f64[]) -> f64[] {
  %0: f64[] = sin %x
  return %0
}

func @f(%x: f64[], %c: bool[]) -> f64[] {
  %0: f64[] = if %c {
    ()
    %1: f64[] = call %x callee=@g
    yield %1
  } {
    ()
    yield %x
  }
  return %0
}
"""
    assert key(text) == key(text.replace("@g", "@h"))
    assert key(text) != key(text.replace("sin", "cos"))
    assert key(text) != key(text.replace("yield %1", "yield %x"))


def test_what_many_kernels_share_is_found_by_new_functions(directory, monkeypatch):
    """The reduction of huge angles, which each kernel with a sine calls."""
    artefact._outlined.clear()
    gj.jit(lambda x: np.sin(x))(1.0)
    artefact._outlined.clear()
    monkeypatch.setattr(artefact, "emit_outlined", lambda texts: pytest.fail("compiled again"))
    f = gj.jit(lambda x: 2.0 * np.sin(x) + 1.0)
    assert f(1e22) == pytest.approx(2.0 * np.sin(1e22) + 1.0, rel=1e-15)
    assert origins(f) == ["compiled"]


def test_shared_code_that_is_torn_is_made_anew(directory, monkeypatch):
    artefact._outlined.clear()
    text = 'define double @"gradjit.outlined.test"(double %x) {\n ret double %x\n}'
    key = disk_cache.key_of("outlined", text.encode())
    disk_cache.current().put(key, b"torn")
    assert artefact.outlined_code(text).exports == ("gradjit.outlined.test",)
    artefact._outlined.clear()
    assert artefact.outlined_on_disk(disk_cache.current(), key).exports == ("gradjit.outlined.test",)


# which entries share code ---------------------------------------------------------------------------------------------
def spec(n=3, static=7, namespace=None, **more):
    namespace = {"a": 1.0} if namespace is None else namespace
    return EntrySpec((ArraySpec(F64, (n,)), StaticSpec(static)), (OutputSpec(F64, ()),), 0,
                     guards=(GlobalGuard(namespace, "a", namespace["a"]),), **more)


def test_objects_do_not_count_but_where_they_stand_does():
    base = entry_key("k", spec())
    assert base == entry_key("k", spec(static="other", namespace={"a": 2.0}))
    assert emit_entry("k", spec()).code.code == emit_entry("k", spec(static="x", namespace={"a": 2.0})).code.code
    shared = 7.5
    one = EntrySpec((StaticSpec(shared), StaticSpec(shared)), (OutputSpec(F64, ()),), 0)
    two = EntrySpec((StaticSpec(shared), StaticSpec(8.5)), (OutputSpec(F64, ()),), 0)
    assert entry_key("k", one) != entry_key("k", two)


OTHERS = [
    spec(n=4), spec(release_gil=True), spec(workspace_bytes=64), spec(errors=((ValueError, "no"),)),
    spec(errors=((ValueError, lambda i, n: "no"),), workspace_bytes=16),
    spec(captured=(Capture(np.zeros(3), ArraySpec(F64, (3,))),)),
    spec(captured=(Capture(ItemRef([np.zeros(3)], 0), ArraySpec(F64, (3,))),)),
    spec(captured=(Capture(ItemRef([1, np.zeros(3)], 1), ArraySpec(F64, (3,))),)),
    spec(captured=(Capture(ItemRef({0: np.zeros(3)}, 0), ArraySpec(F64, (3,))),)),
    EntrySpec((FloatSpec(), StaticSpec(7)), (OutputSpec(F64, ()),), 0),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), (0, Constant(None))),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), [0, Constant(None)]),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), {"v": 0}),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), 0, guards=(ListGuard.of([1, 2]),)),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), 0, guards=(ListGuard.of([1]),)),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), 0,
              guards=(AttributeGuard(spec, "x", None),)),
    EntrySpec((ArraySpec(F64, (3,)), StaticSpec(7)), (OutputSpec(F64, ()),), 0,
              guards=(AttributeGuard(FloatSpec, "x", None),)),
]


def test_all_else_is_another_entry():
    keys = [entry_key("k", s) for s in (spec(), *OTHERS)]
    assert len(set(keys)) == len(keys)
    assert entry_key("k", spec()) != entry_key("other", spec())


def test_a_number_that_is_an_object_elsewhere_still_counts():
    """The int 3 is one object: as an extent it counts, wherever else it stands."""
    assert entry_key("k", spec(n=3, static=3)) != entry_key("k", spec(n=4, static=4))


# whole functions ------------------------------------------------------------------------------------------------------
def make(scale=1.0):
    def f(x, i):
        y = np.sin(x) * x * scale
        return np.sum(y) + y[i]

    return f


def test_the_second_time_the_code_comes_from_disk(directory):
    x, i = np.linspace(0, 1, 7), np.int64(2)
    first = gj.value_and_grad(make())
    expected = first(x, i)
    assert origins(first) == ["compiled"]
    again = gj.value_and_grad(make())
    value, gradient = again(x, i)
    assert origins(again) == ["disk"]
    assert "code from disk" in str(again.stats())
    assert value == expected[0] and np.array_equal(gradient, expected[1])
    assert again.ir(stage="loops") == first.ir(stage="loops")
    assert again.ir(stage="asm") == first.ir(stage="asm")
    assert again.ir(stage="llvm") == first.ir(stage="llvm")


def test_other_programs_and_types_are_compiled(directory):
    x = np.linspace(0, 1, 7)
    gj.jit(make())(x, np.int64(2))
    for f, args in ((make(2.0), (x, np.int64(2))), (make(), (x.astype("f4"), np.int64(2))),
                    (make(), (x[:6], np.int64(2))), (make(), (x, np.int32(2)))):
        g = gj.jit(f)
        assert np.allclose(g(*args), f(*args))
        assert origins(g) == ["compiled"]


def test_errors_name_the_lines_of_the_program_that_runs(directory):
    def one(x, i):
        return x[i]

    def two(x, i):

        return x[i]

    x = np.arange(3.0)
    messages = []
    for f in (one, two):
        g = gj.jit(f)
        with pytest.raises(gj.BoundsError) as e:
            g(x, np.int64(5))
        messages.append(str(e.value))
        line = f.__code__.co_firstlineno + (1 if f is one else 2)
        assert f'test_disk_cache.py", line {line}, in {f.__name__}' in messages[-1]
        h = gj.jit(f)
        with pytest.raises(gj.BoundsError) as e:
            h(x, np.int64(5))
        assert origins(h) == ["disk"]
        assert str(e.value) == messages[-1]
    assert messages[0] != messages[1]


def test_what_is_printed_and_asserted(directory, capfd):
    def f(x):
        gj.debug_print("x is {}", x)
        assert x > 0, "positive"
        return x * 2

    for _ in range(2):
        g = gj.jit(f, check=True)
        assert g(1.0) == 2.0
        assert capfd.readouterr().out == "x is 1.0\n"
        with pytest.raises(AssertionError, match="positive"):
            g(-1.0)
        assert capfd.readouterr().out == "x is -1.0\n"


def test_code_for_open_sizes(directory):
    def f(x):
        return np.sum(np.sin(x[1:]) * x[:-1])

    for k, n in enumerate((7, 30, 2)):  # the code for the first does for the second
        for again in range(2):
            g = gj.value_and_grad(f, sizes="any")
            value, slope = g(np.linspace(0, 1, n))
            want = gj.value_and_grad(f, sizes="exact", backend="interpreter")(np.linspace(0, 1, n))
            np.testing.assert_allclose(value, want[0], rtol=1e-13)
            np.testing.assert_allclose(slope, want[1], rtol=1e-13)
            assert origins(g) == ["disk" if k == 1 or again else "compiled"]
    assert "f64[n]" in g.stats().specialisations[0].arguments
    assert "size n" in g.ir(stage="loops") and g(np.ones(50))[1].shape == (50,)


def test_what_was_concluded_of_sizes_comes_along(directory):
    def f(x):
        return x[-1] * x[0] + np.max(x[2:])

    kept = [gj.jit(f, sizes="any") for _ in range(2)]
    for g in kept:
        assert g(np.arange(9.0)) == 8.0
    assert origins(kept[1]) == ["disk"]
    assert kept[0].stats().specialisations[0].conditions == kept[1].stats().specialisations[0].conditions != []
    with pytest.raises(ValueError, match="zero-size|empty"):
        kept[1](np.arange(2.0))


def test_products_by_a_library(directory):
    a, b = np.ones((40, 40)), np.ones((40, 40))
    results = [f(a, b) for f in (gj.jit(np.matmul), gj.jit(np.matmul)) if f is not None]
    assert np.array_equal(results[0], results[1]) and results[0][0, 0] == 40


def test_broken_files_are_made_anew(directory):
    x, i = np.linspace(0, 1, 7), np.int64(2)
    expected = gj.jit(make())(x, i)
    for path in directory.glob("??/*.code"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    artefact._entries.clear()
    f = gj.jit(make())
    assert f(x, i) == expected and origins(f) == ["compiled"]
    f = gj.jit(make())
    assert f(x, i) == expected and origins(f) == ["disk"]


def test_entries_that_are_genuine_and_foreign(directory):
    """What is signed by this user but no kernel (another version's, say) counts as none."""
    x, i = np.linspace(0, 1, 7), np.int64(2)
    expected = gj.jit(make())(x, i)
    store = disk_cache.current()
    contents = {p.name.removesuffix(".code"): store.get(p.name.removesuffix(".code")) for p in store.files()}
    none = packed_code.joined({"symbol": 1}, [ObjectCode(b"x", b"y", (), 0)])
    foreign = [b"", b"\0" * 40, b"\1\0\0\0\0\0\0\0{", packed_code.joined({}, []), none,
               *(c[:len(c) // 3] for c in contents.values())]
    for content in foreign:
        for name in contents:
            store.put(name, content)
        artefact._entries.clear()
        f = gj.jit(make())
        assert f(x, i) == expected and origins(f) == ["compiled"]


def test_without_a_cache(directory, monkeypatch):
    monkeypatch.setenv("GRADJIT_CACHE", "0")
    for _ in range(2):
        f = gj.jit(make())
        f(np.ones(3), np.int64(0))
        assert origins(f) == ["compiled"]
    assert not directory.exists()


PROGRAM = textwrap.dedent("""
    import sys
    import numpy as np
    import gradjit as gj

    def loss(w, x):
        r = np.tanh(x @ w)
        for _ in range(20):
            r = r * 0.5 + np.sin(r)
        return np.sum(r ** 2)

    f = gj.value_and_grad(loss)
    value, gradient = f(np.linspace(0, 1, 3), np.ones((50, 3)))
    print(value.hex(), gradient.tobytes().hex(), f.stats().specialisations[0].origin)
""")


def test_another_process(directory, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    runs = [subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}).stdout.split()
            for _ in range(2)]
    assert runs[0][:2] == runs[1][:2]
    assert [r[2] for r in runs] == ["compiled", "disk"]


def test_the_command(directory, capsys, monkeypatch):
    gj.jit(make())(np.ones(3), np.int64(0))
    assert main(["cache"]) == 0
    out = capsys.readouterr().out
    assert str(directory) in out and "entries" in out
    assert main(["cache", "verify"]) == 0
    next(directory.glob("??/*.code")).write_bytes(b"torn")
    assert main(["cache", "verify"]) == 1
    assert main(["cache", "clear"]) == 0
    assert not list(directory.glob("??/*.code"))
    monkeypatch.setenv("GRADJIT_CACHE", "0")
    capsys.readouterr()
    assert main(["cache", "info"]) == 0 and "no: GRADJIT_CACHE=0" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 1
