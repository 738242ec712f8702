"""What the demo shows: on the terminal through rich, and one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .training import Curve, Differences

console = Console(highlight=False)
SHOWN = 8
"""Lines of each IR text."""


def say(text: str = "", style: str = "") -> None:
    # As Text: the brackets of types are no markup.
    console.print(Text(text, style))


def heading(text: str) -> None:
    say(f"\n{text}", "bold")


def duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def opening(learnt: int, held: int, sizes: Sequence[int], parameters: int) -> None:
    heading("handwritten digits, a classifier in plain NumPy (gradjit/demo/model.py)")
    say(f"{learnt} digits to learn from, {held} held out; layers {'-'.join(map(str, sizes))}, {parameters} parameters")


def compiled(seconds: float, stats: Any) -> None:
    (made,) = stats.specialisations
    heading("compiling gj.value_and_grad(loss)")
    say(f"first call, from Python source to value and gradient: {duration(seconds)}")
    steps = [(name, t) for name, t in made.seconds.items() if t >= 1e-3 and not name.startswith("pass ")]
    say("of that " + ", ".join(f"{name} {duration(t)}" for name, t in steps))
    say(f"workspace: {made.workspace_bytes / 1024:.0f} KiB, one allocation a call")


def before_and_after(traced: str, adjoint: str) -> None:
    for title, text in (("before differentiation", traced), ("after differentiation", adjoint)):
        heading(f"the IR {title}: {operations(text)} operations")
        lines = text.rstrip().splitlines()
        for line in lines[:SHOWN]:
            console.print(Text(line, "cyan"), overflow="ellipsis", no_wrap=True)
        say(f"  ... {len(lines) - SHOWN - 2} more lines")
        for line in lines[-2:]:
            console.print(Text(line, "cyan"), overflow="ellipsis", no_wrap=True)


def operations(text: str) -> int:
    """How many operations IR text has."""
    return sum(line.lstrip().startswith("%") and " = " in line for line in text.splitlines())


def checked(found: Differences, wanted: float) -> None:
    heading("checking the gradient")
    verdict(found.worst <= wanted, f"{found.coordinates} elements against central differences, worst {found.worst:.0e} "
                                   f"(allowed {wanted:.0e})")


def verdict(good: bool, text: str) -> None:
    say(f"{'ok' if good else 'WRONG'}: {text}", "green" if good else "bold red")


@contextmanager
def progress(iterations: int) -> Iterator[Callable[[float, float], None]]:
    """A bar; the function that it gives moves it on by one iteration."""
    heading('training: scipy.optimize.minimize(method="L-BFGS-B", jac=True)')
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=iterations)
        yield lambda loss, accuracy: bar.update(
            task, advance=1, description=f"loss {loss:.4f}, held out {accuracy:.1%} right")


def trained(curve: Curve, seconds: float, learnt: float, held: float, wanted: float) -> None:
    say(f"{len(curve.loss)} iterations in {duration(seconds)}; {learnt:.1%} of the digits learnt from are right")
    verdict(held >= wanted, f"{held:.1%} of the held-out digits are right (wanted {wanted:.0%})")


def timings(gradient: float, value: float, found: Differences, parameters: int) -> None:
    heading("time a call")
    table = Table(box=None, pad_edge=False)
    for column, side in (("", "left"), ("time", "right"), ("against gradjit", "right")):
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    for name, seconds in (
        ("gradjit, value and gradient", gradient),
        ("NumPy, value alone", value),
        (f"finite differences, gradient ({2 * parameters} calls, from {2 * found.coordinates})", found.seconds),
    ):
        table.add_row(name, duration(seconds), f"{seconds / gradient:.3g} ×")
    console.print(table)


def picture(curve: Curve, path: Path) -> None:
    """Loss and held-out errors by iteration."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    iterations = range(1, len(curve.loss) + 1)
    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
    above.semilogy(iterations, curve.loss, color="tab:blue")
    above.set(ylabel="loss", title="Handwritten digits: training with compiled gradients")
    below.plot(iterations, [100 * a for a in curve.held_out_accuracy], color="tab:green")
    below.set(xlabel="iteration of L-BFGS", ylabel="held-out digits right (%)", ylim=(0, 101))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def closing(output: Path, names: Sequence[str], seconds: float) -> None:
    heading(f"written to {output}/")
    say("  ".join(names))
    say(f"\ndone in {duration(seconds)}")
