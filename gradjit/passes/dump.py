"""Writes every pass's output to a directory: numbered in the order of the pipeline, named after function and pass."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..environment import say
from ..ir import Func, print_func
from ..processes import Lock


class Dumper:
    """`dumper(stage, func)` writes `NNN-function-stage.ir`. Later stages of the compiler write theirs with `text`."""

    def __init__(self, directory: str | os.PathLike[str]):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.count = 0
        self.lock = Lock()

    @staticmethod
    def from_environment() -> Dumper | None:
        """The dumper that GRADJIT_DUMP asks for: one for each directory in a process, so that its numbers go on."""
        directory = os.environ.get("GRADJIT_DUMP")
        if not directory:
            return None
        with _lock:
            if directory not in _dumpers:
                try:
                    _dumpers[directory] = Dumper(directory)
                except (OSError, ValueError) as e:
                    _dumpers[directory] = None
                    say(f"GRADJIT_DUMP={directory!r} is no directory that can be written to: {e}")
            return _dumpers[directory]

    def __call__(self, stage: str, func: Func) -> Path:
        return self.text(stage, func.name, print_func(func))

    def text(self, stage: str, name: str, text: str, suffix: str = "ir") -> Path:
        """Write one stage's text; the file's path."""
        with self.lock:
            number = self.count
            self.count += 1
        path = self.directory / f"{number:03d}-{_filename(name)}-{_filename(stage)}.{suffix}"
        try:
            path.write_text(text, encoding="utf-8", errors="replace")
        except OSError as e:
            say(f"GRADJIT_DUMP: {path.parent} cannot be written to: {e.strerror}")
        return path


def _filename(name: str) -> str:
    return re.sub(r"[^\w.]+", "_", name)[:100]


_dumpers: dict[str, Dumper | None] = {}
"""By directory; None where it cannot be had."""
_lock = Lock()
