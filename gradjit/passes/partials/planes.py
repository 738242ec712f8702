"""Complex numbers are written as planes before derivatives are taken."""

from __future__ import annotations

UNSUPPORTED: dict[str, str] = dict.fromkeys(
    ("real", "imag", "complex"), "complex numbers are planes before it is taken")
