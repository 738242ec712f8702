"""The threads themselves: errors, interruption, callers at the same time, forks, the end of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import cores
from gradjit.errors import BoundsError
from tests.parallel.programs import CHUNK, PROGRAMS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="threads are POSIX's")


@pytest.fixture(scope="module")
def compiled():
    """Two functions whose loops run in chunks, and what they give on one thread."""
    with cores.limits(chunk=CHUNK):
        made = [(gj.value_and_grad(PROGRAMS[name][0]), PROGRAMS[name][1]) for name in ("elementwise", "logistic")]
        with gj.threads(1):
            return [(f, arguments, f(*arguments)) for f, arguments in made]


def is_right(case):
    f, arguments, (value, gradient) = case
    v, g = f(*arguments)
    return v == value and (g == gradient).all()


@pytest.mark.parametrize("calls", [300, pytest.param(100_000, marks=pytest.mark.slow)])
def test_eight_threads_call_two_functions(compiled, calls):
    wrong = []

    def work(k):
        for n in range(calls // 8):
            if not is_right(compiled[(n + k) % 2]):
                wrong.append((k, n))

    with gj.threads(3):
        workers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
    assert not wrong


def test_a_forked_child_computes(compiled):
    with gj.threads(3):
        assert is_right(compiled[0])
        pid = os.fork()
        if pid == 0:
            os._exit(0 if all(map(is_right, compiled)) else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert is_right(compiled[0])


def test_the_first_error_of_the_program_counts():
    """Several chunks fail; the index is that of the first in order, on any number of threads."""
    x, n = np.ones(2000), np.arange(2000)
    n[1999], n[777], n[1200] = 5000, 3000, 4000
    with cores.limits(chunk=CHUNK):
        f = gj.jit(lambda x, n: np.sum(np.exp(x[n])))
        for threads in (1, 2, 7):
            with gj.threads(threads):
                for _ in range(20):
                    with pytest.raises(BoundsError, match="index 3000 is out of bounds for an axis with size 2000"):
                        f(x, n)
                assert f(x, n % 7) == pytest.approx(2000 * np.e)


IMPORTS = "import numpy as np, gradjit as gj, sys, time, os, threading\n"


def program(where: Path, code: str) -> str:
    """A file, so that loops have their source."""
    where.joinpath("program.py").write_text(IMPORTS + textwrap.dedent(code))
    return str(where / "program.py")


def run(code: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    unset = {k: v for k, v in os.environ.items() if k not in ("PYTEST_XDIST_WORKER", "OMP_NUM_THREADS")}
    arguments = arguments or ("-c", IMPORTS + textwrap.dedent(code))
    return subprocess.run([sys.executable, *arguments], env={**unset, **more}, capture_output=True, text=True,
                          timeout=60)


LONG_LOOP = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
gj.set_threads(2)
x = np.ones(200_000)
def f(x, n):
    for _ in range(n):
        x = np.sin(x) + np.exp(-x)
    return np.sum(x)
f = gj.jit(f)
f(x, 3)
"""


def test_the_process_ends_while_threads_work(tmp_path):
    ended = run("", program(tmp_path, LONG_LOOP + """
threading.Thread(target=f, args=(x, 10**6), daemon=True).start()
time.sleep(0.05)
print("end")
"""))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_ctrl_c_is_answered(tmp_path):
    path = program(tmp_path, LONG_LOOP + "print('go', flush=True)\nf(x, 10**6)\n")
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        try:
            assert p.stdout is not None and p.stdout.readline() == "go\n"
            time.sleep(0.2)
            p.send_signal(signal.SIGINT)
            _, error = p.communicate(timeout=30)
        finally:
            p.kill()
    assert "KeyboardInterrupt" in error


def test_an_idle_pool_takes_no_time(compiled):
    with gj.threads(3):
        assert is_right(compiled[0])
        time.sleep(0.05)  # helpers go to sleep
        before = time.process_time()
        time.sleep(0.1)
        assert time.process_time() - before < 0.05
