"""`gradjit demo`: a classifier written in plain NumPy, trained on handwritten digits with compiled gradients.

`model` is what a user writes, `digits` the data, `training` compiles and trains and times, `report` shows it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

NEEDED = {"sklearn": "scikit-learn", "matplotlib": "matplotlib", "rich": "rich"}


class MissingPackage(Exception):
    """The demo's packages are not installed; the text says how to get them."""


def main(output: str | Path = "build/demo") -> int:
    """Run the demo; picture and IR go to the directory `output`. The exit status: 0, or 1 if a claim does not hold."""
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise MissingPackage(f"the demo needs {', '.join(missing)}: pip install 'gradjit[demo]'")
    from .training import run

    return run(Path(output))
