"""Control flow."""

from __future__ import annotations

from ..vjp import control
from .driver import Rule

RULES: dict[str, Rule] = {}
CONSTANT: dict[str, str] = {}
UNSUPPORTED = control.UNSUPPORTED
