"""What the environment asks for."""

from __future__ import annotations

import os


def verifying() -> bool:
    """GRADJIT_VERIFY=1: the IR is checked after tracing, differentiation and every pass."""
    return os.environ.get("GRADJIT_VERIFY") == "1"
