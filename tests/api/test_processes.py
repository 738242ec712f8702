"""Processes fork and end while other threads compile, run, or flatten arguments: nobody hangs, nothing aborts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

BEGIN = """
import gc, os, signal, sys, threading, time
import numpy as np, gradjit as gj
from gradjit import processes

def f(x):
    for i in range(10): x = x + 0.01 * np.sin(x) * x[0]
    return x

def child(work, seconds=20):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as e:
            print(repr(e), flush=True)
            os._exit(1)
        os._exit(0)
    end = time.time() + seconds
    while time.time() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert status == 0, status
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    sys.exit("the child hangs")
"""

WHILE_A_THREAD_COMPILES = """
for k in range(3):
    g = gj.jit(f) if k % 2 else gj.grad(lambda x: np.sum(f(x)))
    t = threading.Thread(target=g, args=(np.ones(3 + k),))
    t.start()
    time.sleep((0.004, 0.03, 0.1)[k])
    def work():
        g(np.ones(3 + k))
        assert gc.isenabled()
    child(work)
    t.join()
"""

BEHIND_A_GATE_THAT_STAYS_SHUT = """
import llvmlite.binding
gj.jit(f)(np.ones(3))
processes.FORK_SECONDS = 0.2
stop, ready = threading.Event(), threading.Event()
def hold():
    with processes.gate, processes.passage, llvmlite.binding.ffi.lib._lock._lock:
        ready.set()
        stop.wait()
t = threading.Thread(target=hold)
t.start()
ready.wait()
child(lambda: gj.jit(f)(np.ones(4)))
stop.set()
t.join()
gj.jit(f)(np.ones(5))
"""

WHERE_THE_FORKING_THREAD_COMPILES = """
def forks(x):
    child(lambda: gj.jit(f)(np.ones(4)))
    return x + 1.0
assert gj.jit(forks)(1.0) == 2.0

def handler(*_):
    child(lambda: gj.jit(f)(np.ones(4)))
    seen.append(1)
seen = []
signal.signal(signal.SIGALRM, handler)
for k in range(2):
    signal.setitimer(signal.ITIMER_REAL, 0.02 * (k + 1))
    gj.grad(lambda x: np.sum(f(x)))(np.ones(3 + k))
    while len(seen) <= k:
        time.sleep(0.01)
with processes.gate, processes.passage:
    child(lambda: child(lambda: gj.jit(f)(np.ones(4))))
"""

EXIT = """
def for_ever(make):
    k = 0
    while True:
        k += 1
        make(k)
h = gj.jit(lambda x: np.exp(np.sin(x)))
known = gj.jit(lambda d: {"a": d["a"] + d["b"][0]})
makers = (
    lambda k: gj.jit(eval("lambda x: np.sin(x) + %d" % k))(np.ones(3)),
    lambda k: gj.jit(lambda d: {"a": d["a"] + d["b"][0]})({"a": np.ones(3), "b": [np.ones(3)]}),
    lambda k: h(np.ones(1_000_000)),
    lambda k: known({"a": np.ones(3), "b": [np.ones(3)]}),
)
for make in makers:
    threading.Thread(target=for_ever, args=(make,), daemon=True).start()
time.sleep(0.4)
"""

FORK_AT_EXIT = """
import atexit
atexit.register(lambda: child(lambda: gj.jit(f)(np.ones(4))))
def for_ever():
    while True:
        gj.jit(lambda x: f(x) + 1.0)(np.ones(3))
threading.Thread(target=for_ever, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize("text", [
    WHILE_A_THREAD_COMPILES, BEHIND_A_GATE_THAT_STAYS_SHUT, WHERE_THE_FORKING_THREAD_COMPILES, EXIT, FORK_AT_EXIT,
], ids=["thread", "gate", "forking-thread", "exit", "fork-at-exit"])
def test_ends_well(text: str) -> None:
    r = subprocess.run([sys.executable, "-c", BEGIN + text], capture_output=True, text=True, timeout=60)
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")


def test_nothing_is_imported_by_a_compilation(tmp_path: Path) -> None:
    """A fork would leave the import unfinished, and the child would wait for its end."""
    text = """
import sys, numpy as np, gradjit as gj
before = set(sys.modules)
class Box:
    def __init__(self, x):
        self.x = x
def f(x):
    for i in range(3):
        if np.sum(x) > 0:
            x = x + 0.01 * np.sin(x) * x[0]
    for a, b in [(1.0, 2.0), (3.0, 4.0)][:-1]:
        x = x * a + b
    return np.sum(np.sort(x) * abs(Box(x).x) * len(x))
gj.grad(f)(np.ones(3)); gj.hessian(f)(np.ones(3)); gj.jvp(f, (np.ones(3),), (np.ones(3),))
gj.jit(f).ir(np.ones(3), stage="loops")
print(sorted(m for m in set(sys.modules) - before if m.startswith(("gradjit", "llvmlite", "numpy"))))
"""
    program = tmp_path / "program.py"  # loops are lifted from the source
    program.write_text(text)
    r = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
    assert (r.stdout, r.stderr) == ("[]\n", "")
