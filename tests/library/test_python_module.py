"""Extension modules for Python that need NumPy alone, and a wheel with kernels in it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import gradjit as gj

from . import models as m

HAS_HEADERS = Path(sysconfig.get_paths()["include"], "Python.h").exists()
pytestmark = pytest.mark.skipif(not (m.HAS_COMPILER and HAS_HEADERS),
                                reason="there is no compiler of C, or no header of Python's, on this machine")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    routines = [
        gj.Routine(m.rosenbrock, "f64[n]", "value_and_grad", name="rosenbrock"),
        gj.Routine(m.loss, "f64[k], f64[n,k], f64[n]", "value_and_grad", (0, 1)),
        gj.Routine(m.picked, "f64[n], i64[m]"),
        gj.Routine(m.relaxed, "f64[n], float"),
        gj.Routine(m.shifted, "f64[3], float"),
        gj.Routine(m.product, "f64[m,k], f64[k,p]"),
        gj.Routine(m.layered, '{"w": f64[n,m], "b": f64[m]}, f64[n]', "grad"),
        gj.Routine(m.chosen, "f32[n], bool[n], i64[n]"),
        gj.Routine(m.recurrence, "f64[3], 20", name="recurrence"),
        gj.Routine(m.scaled_scalar, "f64[], f32[]"),
    ]
    return gj.export(routines, name="kernels", output=tmp_path_factory.mktemp("module é"), python=True)


@pytest.fixture(scope="module")
def kernels(files):
    spec = importlib.util.spec_from_file_location("kernels", files.module)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.thinned
@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 1000])
def test_it_gives_what_the_compiled_function_gives(kernels, n):
    x = np.linspace(-1, 1.5, n)
    for _ in range(2):
        value, gradient = kernels.rosenbrock(x)
        expected, slope = gj.value_and_grad(m.rosenbrock)(x)
        assert type(value) is type(expected)
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        np.testing.assert_allclose(gradient, slope, rtol=1e-14)


def test_layouts_keywords_containers_scalars_and_results(kernels):
    rng = np.random.default_rng(1)
    w, x, y = rng.normal(size=3), rng.normal(size=(8, 3)), rng.normal(size=8)
    plain = kernels.loss_value_and_grad(w, x, y)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x.astype(">f8")):
        assert kernels.loss_value_and_grad(w, y=y, x=other)[0] == plain[0]
    p = {"w": rng.normal(size=(4, 2)), "b": rng.normal(size=2)}
    np.testing.assert_allclose(kernels.layered_grad(p, np.ones(4))["w"], gj.grad(m.layered)(p, np.ones(4))["w"])
    got = kernels.shifted(np.zeros(3), 2.0)
    assert got["sum"].tolist() == [2, 4, 8] and got["scale"] == 3 and got["both"] == [0.0, 4.0]
    values, total = kernels.chosen(np.ones(3, "f4"), np.array([True, False, True]), np.arange(3))
    assert values.tolist() == [1, 0, 1] and total == 3 and values.dtype == np.float32 and type(total) is np.int64
    assert kernels.scaled_scalar(np.float64(3), np.float32(0.5)) == 1.5
    assert kernels.scaled_scalar(np.array(3.0), np.float32(0.5)) == 1.5
    a, b = rng.normal(size=(2, 90, 90))
    np.testing.assert_allclose(kernels.product(a, b), a @ b, rtol=1e-12)
    u = np.arange(12.0)[::2] ** 2
    expected = u.copy()
    m.relaxed(expected, 0.1)
    kernels.relaxed(u, 0.1)
    np.testing.assert_allclose(u, expected)


def frozen():
    a = np.arange(5.0)
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("name, arguments, error, words", [
    ("picked", (np.arange(3.0), np.array([0, 3])), IndexError, "index 3 is out of bounds for an axis with size 3"),
    ("picked", (np.arange(3.0), np.array([-4])), IndexError, "index -4 is out of bounds for an axis with size 3"),
    ("loss_value_and_grad", (np.ones(3), np.ones((4, 3)), np.ones(5)), ValueError,
     "the argument y is an array of float64 and shape (5,), whose axis 0 should have n = 4 elements"),
    ("loss_value_and_grad", (np.ones(3), np.ones((4, 3), "f4"), np.ones(5)), ValueError,
     "the argument x is an array of float32 and shape (4, 3), expected f64[n,k]"),
    ("loss_value_and_grad", (np.ones(3), np.ones((4, 3))), TypeError, "lacks the argument 'y'"),
    ("rosenbrock", (np.ones(3), 1), TypeError, "takes 1 arguments but 2 were given"),
    ("shifted", (np.zeros(3), 2), ValueError, "the argument scale is 2, expected float"),
    ("shifted", ([1, 2, 3], 2.0), ValueError, "the argument x is [1, 2, 3], expected f64[3]"),
    ("recurrence", (np.ones(3), 21), ValueError, "the argument n is 21, expected 20"),
    ("recurrence", (np.ones(3), 1 << 90), ValueError, "expected 20"),
    ("layered_grad", ({"w": np.ones((4, 2))}, np.ones(4)), ValueError, "in other containers"),
    ("layered_grad", ({"w": np.ones((4, 2)), 3: 1}, np.ones(4)), ValueError, "in other containers"),
    ("relaxed", (frozen(), 0.1), ValueError, "writes to u, which is read-only; pass a copy"),
    ("scaled_scalar", (1.0, np.float32(1)), ValueError, "the argument x is 1.0, expected f64[]"),
])
def test_errors(kernels, name, arguments, error, words):
    with pytest.raises(error) as e:
        getattr(kernels, name)(*arguments)
    assert words in str(e.value)


def test_nothing_leaks(kernels):
    x, i = np.ones(100), np.array([0, 200])
    before = sys.getrefcount(x), sys.getrefcount(i)
    for _ in range(50):
        kernels.rosenbrock(x)
        with pytest.raises(IndexError):
            kernels.picked(x, i)
        with pytest.raises(ValueError):
            kernels.loss_value_and_grad(x, x, x)
    assert (sys.getrefcount(x), sys.getrefcount(i)) == before


def test_it_needs_numpy_alone(files):
    code = """
import sys
for name in ("gradjit", "llvmlite", "numba", "scipy", "optree"):
    sys.modules[name] = None
import numpy as np
sys.path.insert(0, sys.argv[1])
try:
    import kernels
except ImportError as e:  # one of its functions calls BLAS, which comes from SciPy
    print(e)
"""
    command = [sys.executable, "-c", code, str(files.directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "scipy" in done.stdout
    with_blas = code.replace('"scipy", ', "")
    subprocess.run([sys.executable, "-c", with_blas, str(files.directory)], capture_output=True, text=True, check=True)


def test_its_types(files):
    text = (files.directory / "kernels.pyi").read_text()
    assert "def rosenbrock(x: NDArray[np.float64]) -> tuple[np.float64, NDArray[np.float64]]:" in text
    compile(text, "kernels.pyi", "exec")


SETUP = """\
import sys

import gradjit as gj
import numpy as np
from setuptools import Extension, setup

sys.path.insert(0, "src")
from fitting import model  # noqa: E402

files = gj.export(model.loss, "f64[n]", derivative="value_and_grad", name="_kernels", output="build/kernels",
                  targets=["v2", "v3"] if sys.platform == "linux" and model.IS_X86 else "native", python=True)
kernels = Extension("fitting._kernels", [str(files.module_source)], extra_objects=[str(files.module_object)],
                    include_dirs=[np.get_include(), str(files.directory)], py_limited_api=True)
setup(ext_modules=[kernels], options={"bdist_wheel": {"py_limited_api": "cp311"}})
"""
PROJECT = """\
[build-system]
requires = ["setuptools>=77", "gradjit", "numpy"]
build-backend = "setuptools.build_meta"

[project]
name = "fitting"
version = "1.0"
dependencies = ["numpy"]

[tool.setuptools.packages.find]
where = ["src"]
"""
MODEL = """\
import platform

import numpy as np

IS_X86 = platform.machine() in ("x86_64", "AMD64")

def loss(x):
    return np.sum((x[1:] - x[:-1] ** 2) ** 2)
"""


@pytest.mark.slow
def test_a_package_with_kernels(tmp_path):
    pytest.importorskip("setuptools")
    package = tmp_path / "src" / "fitting"
    package.mkdir(parents=True)
    for path, text in ((tmp_path / "setup.py", SETUP), (tmp_path / "pyproject.toml", PROJECT),
                       (package / "model.py", MODEL), (package / "__init__.py", "")):
        path.write_text(text)
    done = subprocess.run([sys.executable, "setup.py", "-q", "build", "--build-lib", "site"], cwd=tmp_path,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(Path(gj.__file__).parents[1])})
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "site" / "fitting").glob("_kernels*"))
    code = """
import sys
sys.modules["gradjit"] = sys.modules["llvmlite"] = None
sys.path.insert(0, "site")
import numpy as np
from fitting import _kernels
print(*_kernels.loss_value_and_grad(np.array([1.0, 2.0])))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1.0", "[-4.", "2.]"]
