"""Arguments that record what is done with them, as tensors do. They say so by a method, `__gradjit_record__(f, args,
kwargs)`: it gives what f, which is called while gradjit traces, makes of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..tracer import trees


def is_recording(x: Any) -> bool:
    return hasattr(type(x), "__gradjit_record__")


def recording_among(leaves: Iterable[Any]) -> Any:
    """The first argument that records, or None."""
    return next(filter(is_recording, leaves), None)


def recorded_or_run(recorded: Callable[..., Any], plain: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A call outside of all traces: `recorded` becomes part of a recording where an argument has one, else `plain`
    runs."""
    recording = recording_among(trees.flatten((args, kwargs))[0])
    return plain(*args, **kwargs) if recording is None else recording.__gradjit_record__(recorded, args, kwargs)


__all__ = ["is_recording", "recorded_or_run", "recording_among"]
