"""What loop passes know of the processor that they make code for."""

from __future__ import annotations

import functools

from ..processes import gate
from ..records import dataclass


@dataclass(frozen=True)
class Machine:
    """vector_bytes: the width of its vectors. multiply_adds: whether it has an instruction for x*y + z, rounded once;
    elsewhere that is a slow function of the C library."""

    vector_bytes: int
    multiply_adds: bool = True


@functools.cache
def this_machine() -> Machine:
    """The one that runs this process: vectors of 64 bytes with AVX-512, of 32 with AVX, else of 16 (SSE2, NEON)."""
    with gate:
        import llvmlite.binding as llvm

        on_x86 = "86" in llvm.get_process_triple().partition("-")[0]
        try:
            features = llvm.get_host_cpu_features()
        except RuntimeError:  # LLVM cannot tell on this machine
            return Machine(16, not on_x86)
    return Machine(vector_bytes(features), not on_x86 or features.get("fma", False))


def vector_bytes(features: dict[str, bool]) -> int:
    """The width of the vectors of a processor with these features."""
    if features.get("avx512f") and features.get("avx512dq") and features.get("avx512vl"):
        return 64
    return 32 if features.get("avx") else 16


__all__ = ["Machine", "this_machine", "vector_bytes"]
