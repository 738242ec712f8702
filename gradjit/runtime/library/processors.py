"""Processors that libraries are made for (`x86-64-v3`, `native`, `aarch64-linux-gnu`), and how one is known.

The levels of x86-64 are those of its psABI. A library may hold the code for several of them; it asks the processor
once (`cpuid`) which it is, and says so by an error code where it is none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradjit.codegen.target import Machine, this_machine
from gradjit.errors import ArgumentError
from gradjit.records import dataclass
from gradjit.runtime.jit import allow_long_blocks, llvm_session

LEVELS: dict[str, tuple[tuple[str, ...], int]] = {
    "x86-64": ((), 16),
    "x86-64-v2": (("cx16", "popcnt", "sahf", "sse3", "ssse3", "sse4.1", "sse4.2"), 16),
    "x86-64-v3": (("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave"), 32),
    "x86-64-v4": (("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"), 64),
}
"""Each level: the features that it adds to the one before, and the bytes of its vectors."""

SHORT = {"v1": "x86-64", "v2": "x86-64-v2", "v3": "x86-64-v3", "v4": "x86-64-v4"}

CPUID: dict[str, tuple[int, str, int]] = {
    "sse3": (1, "ecx", 0), "ssse3": (1, "ecx", 9), "fma": (1, "ecx", 12), "cx16": (1, "ecx", 13),
    "sse4.1": (1, "ecx", 19), "sse4.2": (1, "ecx", 20), "movbe": (1, "ecx", 22), "popcnt": (1, "ecx", 23),
    "xsave": (1, "ecx", 27), "avx": (1, "ecx", 28), "f16c": (1, "ecx", 29),
    "bmi": (7, "ebx", 3), "avx2": (7, "ebx", 5), "bmi2": (7, "ebx", 8), "avx512f": (7, "ebx", 16),
    "avx512dq": (7, "ebx", 17), "avx512ifma": (7, "ebx", 21), "avx512cd": (7, "ebx", 28), "avx512bw": (7, "ebx", 30),
    "avx512vl": (7, "ebx", 31), "avx512vbmi": (7, "ecx", 1), "avx512vbmi2": (7, "ecx", 6), "vaes": (7, "ecx", 9),
    "vpclmulqdq": (7, "ecx", 10), "avx512vnni": (7, "ecx", 11), "avx512bitalg": (7, "ecx", 12),
    "avx512vpopcntdq": (7, "ecx", 14),
    "sahf": (0x80000001, "ecx", 0), "lzcnt": (0x80000001, "ecx", 5), "sse4a": (0x80000001, "ecx", 6),
    "xop": (0x80000001, "ecx", 11), "fma4": (0x80000001, "ecx", 16), "tbm": (0x80000001, "ecx", 21),
}
"""The features that code for numbers may use: the leaf of `cpuid`, the register, the bit."""

YMM, ZMM = 0x06, 0xE6
"""The registers that the system must save for AVX, and for AVX-512 (XCR0)."""


@dataclass(frozen=True)
class Processor:
    """name: as it was asked for. features: what LLVM may use besides what `cpu` implies. needs: what is looked for when
    the code runs. machine: what loops are made for."""

    name: str
    triple: str
    cpu: str
    features: str
    needs: tuple[str, ...]
    machine: Machine

    @property
    def architecture(self) -> str:
        return self.triple.partition("-")[0]

    @property
    def saved(self) -> int:
        """The registers that the system must save."""
        return ZMM if any(f.startswith("avx512") for f in self.needs) else YMM if "avx" in self.needs else 0

    @property
    def suffix(self) -> str:
        """Its name as part of a symbol."""
        return "".join(c if c.isalnum() else "_" for c in self.name)


def processor(name: str) -> Processor:
    """What a name stands for. ArgumentError for one that LLVM does not know."""
    name = SHORT.get(name, name)
    host = host_processor()
    if name == "native":
        return host
    if name in LEVELS:
        triple = host.triple if host.architecture == "x86_64" else "x86_64-unknown-linux-gnu"
        needs = features_of(name) if host.architecture == "x86_64" else ()  # LLVM's assembler is that of this machine
        return Processor(name, triple, name, "", needs, Machine(LEVELS[name][1], "fma" in features_of(name)))
    if name == "aarch64":
        name = "aarch64-unknown-linux-gnu"
    if not name.startswith(("aarch64-", "arm64-", "x86_64-", "riscv64-")) or not is_known(name):
        raise ArgumentError(f"there is no target {name!r}; there are native, {', '.join(LEVELS)}, and triples such as "
                            f"aarch64-linux-gnu")
    is_x86 = name.startswith("x86_64-")
    return Processor(name, name, "x86-64" if is_x86 else "generic-rv64" if name.startswith("riscv64-") else "generic",
                     "+d,+f,+m,+a,+c" if name.startswith("riscv64-") else "", (), Machine(16, not is_x86))


def features_of(level: str) -> tuple[str, ...]:
    """The features of a level of x86-64, with those of the lower ones."""
    names = list(LEVELS)
    return tuple(f for n in names[:names.index(level) + 1] for f in LEVELS[n][0])


def is_known(triple: str) -> bool:
    """Whether LLVM generates code for a triple."""
    with llvm_session() as llvm:
        initialise(llvm)
        try:
            llvm.Target.from_triple(triple)
        except RuntimeError:
            return False
        return True


def initialise(llvm: Any) -> None:
    """All of LLVM's targets; `llvm` is the module, which is imported on first use."""
    allow_long_blocks()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()  # `cpuid`; without it LLVM would end the process


def host_processor() -> Processor:
    """This machine's."""
    with llvm_session() as llvm:
        triple, cpu = llvm.get_process_triple(), llvm.get_host_cpu_name()
        try:
            features = llvm.get_host_cpu_features()
            text, has = features.flatten(), {k for k, v in features.items() if v}
        except RuntimeError:  # LLVM cannot tell on this machine
            text, has = "", set()
    needs = tuple(f for f in CPUID if f in has) if triple.startswith("x86_64") else ()
    return Processor("native", triple, cpu, text, needs, this_machine())


def chosen(names: Sequence[str]) -> tuple[Processor, ...]:
    """Processors of one architecture, the best last. ArgumentError where they cannot share a library."""
    found = [processor(n) for n in dict.fromkeys(SHORT.get(n, n) for n in names)]
    if not found:
        raise ArgumentError("a library is for one target at least")
    if len(found) > 1 and not all(p.name in LEVELS for p in found):
        raise ArgumentError(f"targets={', '.join(names)}: several in one library are levels of x86-64: "
                            f"{', '.join(LEVELS)}")
    if len(found) > 1 and host_processor().architecture != "x86_64":
        raise ArgumentError("a library for several levels of x86-64 is built on a machine of that kind")
    return tuple(sorted(found, key=lambda p: len(p.needs)))


__all__ = ["CPUID", "Processor", "chosen", "host_processor", "initialise", "processor"]
