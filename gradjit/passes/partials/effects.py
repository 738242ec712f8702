"""Effects give nothing that could have a derivative."""

from __future__ import annotations

CONSTANT: dict[str, str] = dict.fromkeys(("debug_print", "raise", "assert"), "it gives no result")
