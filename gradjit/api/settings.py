"""What the environment asks for."""

from __future__ import annotations

import os


def verifying() -> bool:
    """GRADJIT_VERIFY=1: the IR is checked after tracing, differentiation and every pass."""
    return os.environ.get("GRADJIT_VERIFY") == "1"


def checking() -> bool:
    """GRADJIT_CHECK=1: assertions on traced values are carried out, unless `check` says otherwise."""
    return os.environ.get("GRADJIT_CHECK") == "1"
