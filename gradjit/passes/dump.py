"""Writes every pass's output to a directory: numbered in the order of the pipeline, named after function and pass."""

from __future__ import annotations

import os
import re
from pathlib import Path

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
                _dumpers[directory] = Dumper(directory)
            return _dumpers[directory]

    def __call__(self, stage: str, func: Func) -> Path:
        return self.text(stage, func.name, print_func(func))

    def text(self, stage: str, name: str, text: str, suffix: str = "ir") -> Path:
        """Write one stage's text; the file's path."""
        with self.lock:
            number = self.count
            self.count += 1
        path = self.directory / f"{number:03d}-{_filename(name)}-{_filename(stage)}.{suffix}"
        path.write_text(text, encoding="utf-8")
        return path


def _filename(name: str) -> str:
    return re.sub(r"[^\w.]+", "_", name)


_dumpers: dict[str, Dumper] = {}
_lock = Lock()
