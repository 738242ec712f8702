"""From LLVM IR to machine code, and its life in the process."""

from __future__ import annotations

import ctypes
import gc
import pickle
import subprocess
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest

import gradjit as gj
from gradjit.runtime import jit
from gradjit.runtime.cpython import mortal_words
from tests.runtime.test_entry import memory_growth

ADD = """
define i64 @add(i64 %a, i64 %b) {
  %c = add i64 %a, %b
  ret i64 %c
}
"""
CALLS_OUT = """
declare i64 @outside(i64)
define i64 @twice(i64 %a) {
  %b = call i64 @outside(i64 %a)
  %c = add i64 %b, %b
  ret i64 %c
}
"""
TABLE = """
@table = internal constant [4 x double] [double 1.0, double 2.0, double 4.0, double 8.0]
@words = internal global [2 x i64] zeroinitializer
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare double @exp(double)
define double @pick(i64 %k) {
  %p = getelementptr [4 x double], ptr @table, i64 0, i64 %k
  %x = load double, ptr %p
  ret double %x
}
define i64 @count() {
  %x = load i64, ptr @words
  %y = add i64 %x, 1
  store i64 %y, ptr @words
  ret i64 %y
}
define void @copy(ptr %to, ptr %from, i64 %n) {
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
  ret void
}
define double @e(double %x) {
  %y = call double @exp(double %x)
  ret double %y
}
"""


def function(code: jit.MachineCode, name: str, result, *arguments):
    found = ctypes.CFUNCTYPE(result, *arguments)(code.addresses[name])
    found.code = code  # which is freed when nobody holds it
    return found


def add(code: jit.MachineCode):
    return function(code, "add", ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


@pytest.mark.parametrize("pipeline", jit.PIPELINES)
def test_every_pipeline(pipeline):
    code = jit.compile_module(ADD, {}, pipeline=pipeline)
    assert add(code)(40, 2) == 42
    assert "add" in code.asm()


def test_data_and_the_c_library():
    code = jit.compile_module(TABLE, {})
    assert set(code.addresses) == {"pick", "count", "copy", "e"}
    pick = function(code, "pick", ctypes.c_double, ctypes.c_int64)
    assert [pick(k) for k in range(4)] == [1, 2, 4, 8]
    count = function(code, "count", ctypes.c_int64)
    assert [count(), count()] == [1, 2]
    target = ctypes.create_string_buffer(100)
    function(code, "copy", None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64)(target, b"x" * 50, 50)
    assert target.value == b"x" * 50
    assert function(code, "e", ctypes.c_double, ctypes.c_double)(0.0) == 1.0


def test_symbols_far_and_near():
    outside = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(lambda a: a + 1)
    address = ctypes.cast(outside, ctypes.c_void_p).value
    code = jit.compile_module(CALLS_OUT, {"outside": address})
    assert function(code, "twice", ctypes.c_int64, ctypes.c_int64)(20) == 42


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("define i64 @f( {", "parsing"),
        ("define i64 @f(i64 %a) {\n ret i64 %b\n}", "undefined value"),
        ("define i64 @f(i64 %a) {\n ret i64 %a\n ret i64 %a\n}\n@f = global i64 0", "redefinition"),
        (CALLS_OUT, "twice"),
    ],
)
def test_bad_modules_are_exceptions(text, message):
    for _ in range(2):
        with pytest.raises(RuntimeError, match=message):
            jit.compile_module(text, {})
    assert add(jit.compile_module(ADD, {}))(1, 1) == 2


def test_bad_export_is_an_exception():
    with pytest.raises(RuntimeError):
        jit.compile_module(ADD, {}, exports=("nowhere",))


def test_damaged_object_code_is_an_exception():
    good = jit.emit_object(ADD)
    for code in (b"", b"\x7fELF", good.code[:100], bytes(len(good.code))):
        with pytest.raises(RuntimeError):
            jit.load_objects([jit.ObjectCode(code, good.bitcode, good.exports, good.level)], {})


def test_object_code_outlives_the_process_that_made_it():
    again = pickle.loads(pickle.dumps(jit.emit_object(ADD)))
    assert add(jit.load_objects([again], {}))(2, 3) == 5


def test_objects_that_need_each_other():
    caller = jit.emit_object(CALLS_OUT)
    callee = jit.emit_object("define i64 @outside(i64 %a) {\n ret i64 %a\n}")
    code = jit.load_objects([caller, callee], {})
    assert set(code.addresses) == {"twice", "outside"}
    assert function(code, "twice", ctypes.c_int64, ctypes.c_int64)(4) == 8


def test_modules_with_equal_names_are_apart():
    codes = [jit.compile_module(ADD.replace("add i64 %a", f"{op} i64 %a"), {}) for op in ("add", "sub", "mul")]
    assert [add(code)(6, 3) for code in codes] == [9, 3, 18]
    del codes[1]
    gc.collect()
    assert [add(code)(6, 3) for code in codes] == [9, 18]


def test_optimised_ir_and_target():
    text = jit.optimised_ir(jit.emit_object("define i64 @f() {\n %a = add i64 20, 22\n ret i64 %a\n}"))
    assert "ret i64 42" in text
    version, triple, cpu, _ = jit.target_key()
    assert version and triple and cpu
    assert jit.target_key() == jit.target_key()


def test_code_is_freed():
    def once():
        assert add(jit.compile_module(ADD, {}))(1, 2) == 3

    assert memory_growth(once, 200) < 200 * 6000  # LLVM's own remains are some 1 to 2 KB


def test_code_is_freed_out_of_order():
    codes = [jit.compile_module(ADD, {}) for _ in range(40)]
    for k in (3, 1, 20, 0, 30):
        del codes[k]
        assert all(add(code)(1, 2) == 3 for code in codes)


def test_many_threads_compile_and_drop():
    failures = []

    def work():
        try:
            for k in range(15):
                assert add(jit.compile_module(ADD, {}))(k, 1) == k + 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_code_dropped_during_a_compilation_does_not_wait_for_it():
    code = jit.compile_module(ADD, {})
    dropped = threading.Event()
    box = [code]
    del code

    def drop():
        box.clear()
        dropped.set()

    with jit.llvm_session():
        thread = threading.Thread(target=drop)
        thread.start()
        assert dropped.wait(10)
        assert len(jit._graves) == 1
    thread.join()
    assert not jit._graves


def test_words_die_after_the_finalisers_of_their_cycle():
    """An ordinary object's `__del__` would run among them, in any order."""
    events = []
    make = mortal_words("tests.Word", lambda word: events.append(word))

    class Node:
        def __del__(self):
            events.append("finaliser")

    nodes = [Node() for _ in range(10)]
    for k, node in enumerate(nodes):
        node.all, node.word = nodes, make(k)
    del node, nodes
    gc.collect()
    assert events[:10] == ["finaliser"] * 10 and sorted(events[10:]) == list(range(10))
    lone = make(2**64 - 1)
    assert not gc.is_tracked(lone)
    del lone
    assert events[-1] == 2**64 - 1


def test_machine_code_can_be_weakly_referenced():
    code = jit.compile_module(ADD, {})
    alive = weakref.ref(code)
    del code
    assert alive() is None


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def test_this_room_does_not_load_llvm_when_it_is_imported():
    program = """
        import sys, types
        sys.path.insert(0, ".")
        sys.modules["gradjit"] = types.ModuleType("gradjit")  # the other rooms may
        sys.modules["gradjit"].__path__ = ["gradjit"]
        import gradjit.runtime.callable, gradjit.runtime.entry_spec, gradjit.runtime.jit
        print(sorted({"llvmlite", "llvmlite.ir", "llvmlite.binding", "numba", "scipy"} & set(sys.modules)))
        import gradjit.runtime.entry
        print("llvmlite.binding" in sys.modules)
    """
    assert run(program) == "[]\nFalse\n"


def test_what_llvm_is_told_of_long_blocks_is_told_first():
    program = """
        import sys
        sys.path.insert(0, ".")
        import llvmlite.binding as llvm
        told, really = [], llvm.set_option
        llvm.set_option = lambda *option: (told.append(option), really(*option))
        from gradjit.runtime import jit
        from gradjit.runtime.library.processors import initialise
        for pipeline in ("quick", "light"):
            jit.emit_object("define void @f() {\\n ret void\\n}", pipeline=pipeline)
        initialise(llvm)
        print(told == [("", jit.LONG_BLOCKS)])
    """
    assert run(program) == "True\n"


def test_exit_with_live_code_is_silent():
    program = """
        import sys
        sys.path.insert(0, ".")
        from gradjit.runtime.callable import FastCallable
        from tests.runtime.kernels import scalar_entry
        function = FastCallable(print)
        function.install(scalar_entry())
        function.itself = function
        sys.modules["kept"] = function
        class Late:
            def __del__(self, function=function):
                print(function(1.5))
        late = Late()
        print("end")
    """
    assert run(program) == "end\n(np.float64(2.25), np.float64(3.0))\n"


def test_the_same_text_is_compiled_once(monkeypatch):
    """Whatever the module is called; and only as much is kept as there is room for."""
    monkeypatch.setattr(jit, "_recent", jit.Recent(1 << 20))
    assert jit.emit_object(ADD) is jit.emit_object(ADD)
    assert jit.emit_object(ADD) is not jit.emit_object(ADD, pipeline="glue")
    assert jit.emit_object(ADD) is not jit.emit_object(ADD, exports=())
    monkeypatch.setattr(jit, "_recent", small := jit.Recent(10_000))
    codes = [jit.emit_object(ADD.replace("%a, %b", f"{k}, %b")) for k in range(20)]
    kept = [*small._codes.values()]
    assert kept == codes[-len(kept):]
    assert 0 < sum(jit._size(key, code) for key, code in small._codes.items()) <= 10_000


def test_functions_of_one_text_share_their_code():
    def fresh(a):
        return gj.value_and_grad(lambda x: x * a[0] * 3.0)

    first, second = fresh(np.array([2.0])), fresh(np.array([5.0]))
    assert (first(4.0), second(4.0)) == ((24.0, 6.0), (60.0, 15.0))
    one, other = (f.entries[0].code.objects for f in (first, second))
    assert all(a is b for a, b in zip(one, other, strict=True))
