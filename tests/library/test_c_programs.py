"""Programs in C and C++ that call a library, built with all warnings as errors, and with sanitizers where they are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradjit as gj

from . import models as m

pytestmark = pytest.mark.skipif(not m.HAS_COMPILER, reason="there is no compiler of C (cc) on this machine")

HOSTILE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "programs.h"

static int wrong = 0;
#define CHECK(x) do { if (!(x)) { printf("line %d: %s\n", __LINE__, #x); wrong++; } } while (0)

int main(void) {
    /* exactly as much memory as is said: what is beyond is the sanitizer's */
    for (int64_t n = 0; n < 40; n++) {
        double *x = (double *)malloc((size_t)n * sizeof(double) + 1), value = 0;
        double *slope = (double *)malloc((size_t)n * sizeof(double) + 1);
        int64_t nbytes = rosenbrock_workspace(n);
        CHECK(nbytes >= 0);
        void *workspace = aligned_alloc(64, ((size_t)nbytes + 64) / 64 * 64);
        for (int64_t k = 0; k < n; k++) x[k] = 0.1 * (double)k;
        CHECK(rosenbrock(n, x, &value, slope, NULL) == GRADJIT_OK);
        double first = value;
        CHECK(rosenbrock(n, x, &value, slope, workspace) == GRADJIT_OK && value == first);
        rosenbrock_arguments a;
        memset(&a, 0, sizeof a);
        double *reversed = (double *)malloc((size_t)n * sizeof(double) + 1);
        for (int64_t k = 0; k < n; k++) reversed[n - 1 - k] = x[k];
        a.x.data = n ? reversed + n - 1 : reversed;
        a.x.extents[0] = n; a.x.strides[0] = -8;
        a.value = &value;
        a.grad_x.data = slope; a.grad_x.extents[0] = n; a.grad_x.strides[0] = 8;
        CHECK(rosenbrock_strided(&a, NULL) == GRADJIT_OK && value == first);
        a.grad_x.extents[0] = n + 1;
        CHECK(rosenbrock_strided(&a, NULL) == -(1000 * GRADJIT_SHAPE + 4));
        free(x); free(slope); free(workspace); free(reversed);
    }
    double x[3] = {1, 2, 3}, value, slope[3];
    CHECK(rosenbrock(3, NULL, &value, slope, NULL) == -(1000 * GRADJIT_NULL_POINTER + 2));
    CHECK(rosenbrock(3, x, NULL, slope, NULL) == -(1000 * GRADJIT_NULL_POINTER + 3));
    CHECK(rosenbrock(3, x, &value, (double *)(void *)((char *)slope + 1), NULL) == -(1000 * GRADJIT_MISALIGNED + 4));
    CHECK(rosenbrock(-1, x, &value, slope, NULL) == -(1000 * GRADJIT_EXTENT + 1));
    CHECK(rosenbrock(INT64_MAX, x, &value, slope, NULL) < 0 && rosenbrock(INT64_MIN, x, &value, slope, NULL) < 0);
    CHECK(rosenbrock(3, x, &value, x, NULL) == -(1000 * GRADJIT_SHARED + 4));
    CHECK(strcmp(rosenbrock_error(-(1000 * GRADJIT_SHARED + 4)), rosenbrock_error(0)) != 0);
    int64_t places[2] = {0, 3};
    double out[2];
    CHECK(picked(3, 2, x, places, out, NULL) > 0);
    places[1] = INT64_MIN;
    CHECK(picked(3, 2, x, places, out, NULL) > 0);
    places[1] = -1;
    CHECK(picked(3, 2, x, places, out, NULL) == GRADJIT_OK && out[1] == 6);
    if (!wrong) printf("all is well\n");
    return wrong;
}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    routines = [gj.Routine(m.rosenbrock, "f64[n]", "value_and_grad", name="rosenbrock"),
                gj.Routine(m.picked, "f64[n], i64[m]")]
    return gj.export(routines, name="programs", output=tmp_path_factory.mktemp("c and c++"))


def built(files, source: Path, name: str, *options: str, compiler: str = "cc") -> Path:
    program = files.directory / name
    language = ["-x", "c++"] if compiler.endswith("++") else []
    done = subprocess.run(
        [compiler, *options, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O1", "-g", "-I",
         str(files.directory), *language, str(source), *(["-x", "none"] if language else []), str(files.static), "-lm",
         "-o", str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def has_sanitizers(tmp_path: Path) -> bool:
    source = tmp_path / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    made = subprocess.run(["cc", "-fsanitize=address,undefined", str(source), "-o", str(tmp_path / "empty")],
                          capture_output=True, check=False)
    return made.returncode == 0 and subprocess.run([str(tmp_path / "empty")], check=False).returncode == 0


def test_a_hostile_program_under_sanitizers(files, tmp_path):
    source = files.directory / "hostile.c"
    source.write_text(HOSTILE)
    options = ("-std=c11", *(("-fsanitize=address,undefined", "-fno-sanitize-recover") if has_sanitizers(tmp_path)
                             else ()))
    program = built(files, source, "hostile", *options)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "all is well\n"), done.stdout + done.stderr


@pytest.mark.parametrize("compiler, standard", [("cc", "-std=c99"), ("c++", "-std=c++11")])
def test_the_example_in_c_and_as_c_plus_plus(files, compiler, standard):
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} on this machine")
    program = built(files, files.example, f"example-{standard[5:]}", standard, compiler=compiler)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    x = 0.1 * (np.arange(5) % 10 + 1)
    value, _ = gj.value_and_grad(m.rosenbrock)(x)
    assert float(done.stdout.splitlines()[0].partition(" = ")[2]) == pytest.approx(value, rel=1e-14)


def test_the_shared_library_by_pkg_config(files):
    if shutil.which("pkg-config") is None or sys.platform != "linux":
        pytest.skip("there is no pkg-config on this machine")
    script = ("eval cc main.c $(PKG_CONFIG_PATH=\"$PWD\" pkg-config --cflags --libs programs) -o shared "
              "&& LD_LIBRARY_PATH=. ./shared")
    done = subprocess.run(["sh", "-c", script], cwd=files.directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "rosenbrock value[0]" in done.stdout, done.stderr


def ordered(x):
    assert x[0] < x[1], "the first is not less than the second"
    return x[1] - x[0]


def test_assertions_and_functions_without_arguments(tmp_path):
    """An error of the program's own has a code with its text; a header without parameters is valid C."""
    files = gj.export([gj.Routine(gj.jit(ordered, check=True), "f64[2]", name="ordered"),
                       gj.Routine(lambda: 2.0, "", name="two")], name="small", output=tmp_path)
    source = tmp_path / "small.c"
    source.write_text("""
#include <stdio.h>
#include "small.h"
int main(void) {
    double x[2] = {1, 3}, result = 0;
    int32_t good = ordered(x, &result, NULL);
    x[1] = 0;
    int32_t bad = ordered(x, &result, NULL);
    printf("%d %g %s", (int)good, result, ordered_error(bad));
    return two(NULL) != GRADJIT_OK;
}
""")
    program = built(files, source, "small", "-std=c99")
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("0 2 AssertionError: the first is not less than the second (test_c_programs.py:")
    built(files, files.example, "example", "-std=c99")


def test_cmake(files, tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake on this machine")
    shutil.copy(files.example, tmp_path / "main.c")
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.10)\nproject(p C)\n"
        f"find_package(programs CONFIG REQUIRED PATHS \"{files.directory}\")\n"
        f"add_executable(p main.c)\ntarget_link_libraries(p programs::static)\n")
    script = "cmake . >/dev/null && cmake --build . >/dev/null && ./p"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "rosenbrock value[0]" in done.stdout, done.stderr
