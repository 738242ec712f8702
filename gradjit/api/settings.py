"""What the environment asks for."""

from __future__ import annotations

from ..environment import switch


def verifying() -> bool:
    """GRADJIT_VERIFY=1: the IR is checked after tracing, differentiation and every pass."""
    return switch("GRADJIT_VERIFY")


def checking() -> bool:
    """GRADJIT_CHECK=1: assertions on traced values are carried out, unless `check` says otherwise."""
    return switch("GRADJIT_CHECK")
