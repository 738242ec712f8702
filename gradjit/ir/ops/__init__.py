"""Every operation of the array IR, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import DtypeError, GradjitError, IRError
from ..core import Op, attr_values
from ..types import INDEX, TAPE, ArrayType
from . import (
    complex_matrices,
    control,
    creation,
    custom,
    effects,
    elementwise,
    factorisation,
    fourier,
    homes,
    indexing,
    linalg,
    movement,
    planes,
    reduction,
    special,
    tape,
)
from .spec import Fails, Memory, OpSpec, Sign, Slope

OPS: dict[str, OpSpec] = {
    **creation.OPS, **elementwise.OPS, **special.OPS, **reduction.OPS, **movement.OPS, **indexing.OPS, **linalg.OPS,
    **factorisation.OPS, **control.OPS, **tape.OPS, **effects.OPS, **custom.OPS, **planes.OPS,
    **fourier.OPS, **complex_matrices.OPS, **homes.OPS,
}


def checked_types(spec: OpSpec, types: Sequence[ArrayType], attrs: dict[str, Any], stated: Sequence[ArrayType]
                  ) -> tuple[ArrayType, ...]:
    """The types of what an operation gives, which may be any: operands and attributes are as somebody has written
    them. Raises GradjitError where the operation is not defined for them.

    stated: the types that the program gives.
    """
    if spec.family not in ("tape", "control") and any(t.dtype is TAPE for t in types):
        raise DtypeError(f"{spec.name}: not defined for a tape")
    for a in attrs.values():
        for v in attr_values(a) if isinstance(a, tuple) else ():
            if v.type != INDEX:
                raise DtypeError(f"{spec.name}: {v!r} stands where an {INDEX} is expected")
    try:
        return spec.result_types(types, attrs, stated)
    except GradjitError:
        raise
    except (ValueError, IndexError, TypeError, AttributeError) as e:  # of the wrong kind, or too few of them
        raise IRError(f"{spec.name} of {', '.join(map(str, types)) or 'nothing'} {attrs or ''}: {e}") from e


def can_fail(op: Op) -> bool:
    """Whether an operation as it stands can end the program."""
    return OPS[op.name].can_fail([v.type for v in op.operands], op.attrs)


__all__ = ["OPS", "Fails", "Memory", "OpSpec", "Sign", "Slope", "can_fail", "checked_types"]
