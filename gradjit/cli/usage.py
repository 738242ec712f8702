"""The error of a command that was not understood."""

from __future__ import annotations


class UsageError(Exception):
    """No such file or function, or an argument that cannot be read. Its text is shown and the exit status is 2."""
