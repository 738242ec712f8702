"""A `for` whose region a rule writes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import INDEX, Block, Builder, Value
from .array import TracedArray, root
from .operands import as_traced, cast
from .recorder import current


def repeated(count: Any, start: TracedArray, body: Callable[[Builder, Value, Value], Value]) -> Any:
    """`start` after `body(builder, index, array)` has been done so many times."""
    recorder = current()
    block = Block((INDEX, start.value.type))
    b = Builder(block, recorder.builder.loc)
    block.results = (body(b, *block.params),)
    bounds = [as_traced(np.int64(0)), cast(as_traced(count), np.int64), as_traced(np.int64(1))]
    op = recorder.builder.append("for", tuple(x.value for x in (*bounds, start)), {}, (block,))
    return root(op.results[0], recorder)
