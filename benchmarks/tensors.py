"""Tensors beside PyTorch and MyGrad: `python -m benchmarks.tensors` measures those that are installed.

All run in one process on one core, in rounds that go through all of them; the least of each counts, in seconds that the
process itself was computing. What they compute is compared first. `--cold` also times the first 50 steps of the bowl in
a fresh process, without imports.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .machine import THREAD_VARIABLES
from .tensor_networks import NETWORKS, check_network, network, spiral

SEED = 20240
REQUIRED: dict[tuple[str, str], float] = {
    ("bowl", "torch"): 1 / 5, ("bowl", "mygrad"): 1 / 10, ("rosenbrock", "torch"): 1 / 5,
    ("rosenbrock", "mygrad"): 1 / 10, ("quadratic", "torch"): 1 / 5, ("quadratic", "mygrad"): 1 / 10,
    ("mlp", "torch"): 1 / 2, ("spiral", "torch"): 1 / 2, ("lenet", "torch"): 1.5, ("block", "torch"): 1.5,
    ("cold", "torch"): 1.0,
}
"""gradjit's time over another's must not exceed this."""
LIMITS = {"operation": 1e-6, "backward": 6e-6}
"""Seconds that gradjit may take."""


class Style:
    """One library's way to say it."""

    def __init__(self, name: str):
        self.name = name
        if name == "torch":
            import torch
            torch.set_num_threads(1)
            self.no_grad = torch.no_grad
        elif name == "gradjit":
            import gradjit
            self.no_grad = gradjit.no_grad
            gradjit.set_threads(1)
        self.module: Any = importlib.import_module(name)
        self.functions: Any = np if name == "gradjit" else self.module
        """Where sin and exp are."""

    def leaf(self, a: Any) -> Any:
        if self.name == "mygrad":
            return self.module.tensor(np.array(a, float))
        dtype = {} if self.name == "gradjit" else {"dtype": self.module.float64}
        return self.module.tensor(a, requires_grad=True, **dtype)

    def constant(self, a: np.ndarray) -> Any:
        return self.module.tensor(a) if self.name != "mygrad" else a

    def step(self, leaves: list[Any], rate: float) -> None:
        """An update in place, and gradients cleared, as each library's users write it."""
        if self.name == "mygrad":
            for p in leaves:
                p.data -= rate * p.grad
            return
        with self.no_grad():
            for p in leaves:
                p -= rate * p.grad
                p.grad = None


def bowl(s: Style, steps: int = 50) -> Any:
    x, y = s.leaf([3.0]), s.leaf([4.0])
    shown = []
    for k in range(1, steps + 1):
        f = x**2 + y**2
        f.backward()
        s.step([x, y], 0.1)
        if k % 5 == 0:
            shown.append((x.item(), y.item(), f.item()))
    return shown


def rosenbrock(s: Style, steps: int = 1000) -> Any:
    x = s.leaf([-1.0, 1.0])
    for _ in range(steps):
        f = (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2
        f.backward()
        s.step([x], 0.01)
    return x


def quadratic(s: Style, steps: int = 1000) -> Any:
    a = s.leaf([0.0, 0.0, 0.0])
    for _ in range(steps):
        x, y, z = a[0], a[1], a[2]
        f = x**2 + 2 * y**2 + 3 * z**2 - 2 * x * y + 2 * x * z - 4 * y * z + 2 * x - 2 * y + 2
        f.backward()
        s.step([a], 0.01)
    return a


def mlp_data() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(SEED)
    sizes = (64, 48, 32, 10)
    parameters: list[np.ndarray] = []
    for i, o in pairwise(sizes):
        parameters += [rng.normal(size=(i, o)) * np.sqrt(2 / i), np.zeros(o)]
    return parameters, rng.random((128, 64)), rng.integers(0, 10, 128)


PARAMETERS, IMAGES, LABELS = mlp_data()
HOT = np.eye(10)[LABELS]


def mlp(s: Style, steps: int = 20) -> Any:
    leaves = [s.leaf(p) for p in PARAMETERS]
    x, hot = s.constant(IMAGES), s.constant(HOT)
    tanh, exp, log = s.functions.tanh, s.functions.exp, s.functions.log
    for _ in range(steps):
        h = x
        for k in range(0, 6, 2):
            h = h @ leaves[k] + leaves[k + 1]
            h = tanh(h) if k < 4 else h
        loss = (log(exp(h).sum(1)) - (h * hot).sum(1)).mean()
        loss.backward()
        s.step(leaves, 0.1)
    return loss


CASES: dict[str, tuple[Callable[[Style], Any], int, str]] = {
    "bowl": (bowl, 1, "the bowl, 50 steps, as its tutorial writes it"),
    "rosenbrock": (rosenbrock, 1, "Rosenbrock of 2 numbers, 1,000 steps"),
    "quadratic": (quadratic, 1, "a quadratic of 3, 1,000 steps"),
    "mlp": (mlp, 20, "an MLP's training step, 64-48-32-10, batch 128"),
    "spiral": (spiral, 50, "a step of a classifier of spirals, 2-50-3, 300 points"),
}


def operation(s: Style, pieces: int = 8) -> float:
    """Seconds for one operation recorded: of a sum that nobody looks at yet; of pieces of 50, the least."""
    x = s.leaf([1.0, 2.0])
    y = x * x
    found = np.inf
    for _ in range(pieces):
        begin = time.perf_counter()
        for _ in range(50):
            y = y + x
        found = min(found, (time.perf_counter() - begin) / 50)
    return found


def backward(s: Style, count: int = 200) -> float:
    """Seconds for `backward` of (v * v).sum() of 100 numbers, a graph that was seen before; the least."""
    v = s.leaf(np.linspace(0, 1, 100))
    found = np.inf
    for _ in range(count):
        y = (v * v).sum()
        begin = time.perf_counter()
        y.backward()
        found = min(found, time.perf_counter() - begin)
        if s.name != "mygrad":
            v.grad = None
    return found


def installed() -> list[str]:
    return [n for n in ("gradjit", "torch", "mygrad") if importlib.util.find_spec(n) is not None]


def numbers(result: Any) -> np.ndarray:
    """What a case has computed, as one array."""
    if isinstance(result, list):
        return np.array(result)
    return np.asarray(result.detach().numpy() if hasattr(result, "detach") else result)


def check(names: list[str]) -> None:
    """AssertionError unless all the libraries compute the same."""
    for run, _, title in CASES.values():
        expected, *others = [numbers(run(Style(n))) for n in names]
        for other in others:
            np.testing.assert_allclose(other, expected, rtol=1e-9, atol=1e-12, err_msg=title)
    if "torch" in names:
        for name in NETWORKS:
            check_network(name)


def measured_networks(rounds: int = 15) -> dict[str, dict[str, float]]:
    """The least seconds of a network's value and gradient, beside PyTorch."""
    found: dict[str, dict[str, float]] = {}
    for name in NETWORKS:
        calls = {library: network(name, library) for library in ("gradjit", "torch")}
        times = found[name] = dict.fromkeys(calls, np.inf)
        for n in range(rounds):
            for library, call in calls.items():
                begin = time.process_time()
                call()
                if n > 2:
                    times[library] = min(times[library], time.process_time() - begin)
    return found


def measured(names: list[str], rounds: int = 7) -> dict[str, dict[str, float]]:
    """The least seconds by case and library."""
    styles = [Style(n) for n in names]
    found: dict[str, dict[str, float]] = {case: {} for case in (*CASES, *LIMITS)}
    for n in range(rounds):
        for case, (run, parts, _) in CASES.items():
            for s in styles:
                if n == 0:
                    run(s)
                    run(s)
                    run(s)
                begin = time.process_time()
                run(s)
                took = (time.process_time() - begin) / parts
                found[case][s.name] = min(took, found[case].get(s.name, np.inf))
        for case, measure in (("operation", operation), ("backward", backward)):
            for s in styles:
                found[case][s.name] = min(measure(s), found[case].get(s.name, np.inf))
    return found


def cold(name: str) -> float:
    """Seconds of the first 50 steps of the bowl in a fresh process; the least of three."""
    code = (f"import time; from benchmarks.tensors import Style, bowl; s = Style({name!r}); s.leaf([1.0]); "
            f"t = time.process_time(); bowl(s); print(time.process_time() - t)")
    return min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
               for _ in range(3))


def report(found: dict[str, dict[str, float]]) -> str:
    """A table in Markdown: microseconds, and what had to be reached."""
    names = list(next(iter(found.values())))
    lines = ["| case | " + " | ".join(names) + " | reached |", "| --- |" + " --- |" * (len(names) + 1)]
    for case, times in found.items():
        title = CASES[case][2] if case in CASES else NETWORKS[case][4] if case in NETWORKS else {
            "operation": "one operation recorded", "backward": "backward of a seen graph, (v*v).sum() of 100",
            "cold": "the bowl's first 50 steps in a fresh process"}[case]
        said = [f"{times['gradjit'] / times[other]:.2f} of {other} (wanted {limit:.2f})"
                for (of, other), limit in REQUIRED.items() if of == case and other in times]
        if case in LIMITS:
            said.append(f"{times['gradjit'] * 1e6:.2f} µs (wanted {LIMITS[case] * 1e6:.0f})")
        lines.append(f"| {title} | " + " | ".join(f"{times[n] * 1e6:,.2f} µs" if n in times else "" for n in names)
                     + f" | {'; '.join(said)} |")
    return "\n".join(lines)


def main() -> int:
    if any(os.environ.get(v) != "1" for v in THREAD_VARIABLES):  # libraries read them when they are imported
        return subprocess.run([sys.executable, "-m", "benchmarks.tensors", *sys.argv[1:]], check=False,
                              env=os.environ | dict.fromkeys(THREAD_VARIABLES, "1")).returncode
    names = installed()
    check(names)
    found = measured(names)
    if "torch" in names:
        found |= measured_networks()
    if "--cold" in sys.argv:
        found["cold"] = {n: cold(n) for n in names}
    print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
