"""What the machine that compiles offers. Code is generated for it and no other."""

from __future__ import annotations

import functools

from ..processes import gate


@functools.cache
def vector_bytes() -> int:
    """The width of the machine's vectors in bytes: 64 with AVX-512, 32 with AVX, else 16 (SSE2, NEON)."""
    with gate:
        import llvmlite.binding as llvm

        try:
            features = llvm.get_host_cpu_features()
        except RuntimeError:  # LLVM cannot tell on this machine
            return 16
    if features.get("avx512f") and features.get("avx512dq") and features.get("avx512vl"):
        return 64
    return 32 if features.get("avx") else 16
