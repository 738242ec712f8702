"""Whether derivatives are recorded: `gj.no_grad()`, `gj.enable_grad()`, for the lines of a `with` or for a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .recording import GRAD_OFF, GRAD_ON, local
from .trie import modes


def _switch(enabled: bool) -> None:
    modes.grad_enabled = enabled
    r = local.recording
    if r is not None and r.node.grad_enabled is not enabled:
        known = r.node.next.get(GRAD_ON if enabled else GRAD_OFF)
        if known is None:
            r.set_mode(enabled)
        else:
            r.node = known


class GradMode:
    """A context manager, and a decorator of functions."""

    enabled: bool
    before: tuple[bool, Any] | None = None
    """What was before it was entered, and what was before that where it is entered again within."""

    def __new__(cls, f: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        return made if f is None else made(f)

    def __enter__(self) -> GradMode:
        before = modes.grad_enabled
        self.before = before, self.before
        if before is not self.enabled:
            _switch(self.enabled)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.before is not None
        before, self.before = self.before
        if before is not modes.grad_enabled:
            _switch(before)

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(f):
            raise TypeError(f"{type(self).__name__} takes a function, as a decorator, or nothing; got {f!r:.100}")
        if any(goes_on(f) for goes_on in (inspect.isgeneratorfunction, inspect.iscoroutinefunction,
                                          inspect.isasyncgenfunction)):
            raise TypeError(f"{type(self).__name__} as a decorator is for functions that run in one piece, and "
                            f"{f.__name__} is a generator or a coroutine; write `with` inside")

        @functools.wraps(f)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return f(*args, **kwargs)

        return wrapped


class no_grad(GradMode):
    """Nothing is recorded for derivatives: what is computed is constant, and a leaf may be updated in place."""

    enabled = False


class enable_grad(GradMode):
    """Derivatives are recorded again, inside of `no_grad`."""

    enabled = True


def set_grad_enabled(enabled: bool) -> None:
    """Record derivatives from now on, in this thread, or not."""
    _switch(bool(enabled))


class eager:
    """`gj.eager(True)`: each operation on tensors is computed at once, in this thread, so that what a debugger shows
    belongs to the line that runs. As a context manager for the lines within."""

    def __init__(self, enabled: bool = True):
        self.before = modes.is_eager
        if local.recording is not None and local.recording.is_open:
            local.recording.compute()
        modes.is_eager = bool(enabled)

    def __enter__(self) -> eager:
        return self

    def __exit__(self, *_: object) -> None:
        eager(self.before)


def is_grad_enabled() -> bool:
    return modes.grad_enabled
