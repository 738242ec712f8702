"""Object code as bytes, with a head that says what it is: the form in which it is kept on disk and sent."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from gradjit.runtime.jit import ObjectCode


def joined(head: dict[str, Any], codes: Sequence[ObjectCode]) -> bytes:
    """A head in JSON and object code, as one."""
    text = json.dumps({**head, "objects": [{"exports": c.exports, "level": c.level} for c in codes]}).encode()
    return b"".join(struct.pack("<Q", len(p)) + p for p in (text, *(p for c in codes for p in (c.code, c.bitcode))))


def parted(data: bytes) -> tuple[dict[str, Any], list[ObjectCode]]:
    """What was joined. ValueError where the bytes are something else."""
    parts: list[bytes] = []
    at = 0
    while at < len(data) or not parts:
        size = struct.unpack_from("<Q", data, at)[0] if len(data) - at >= 8 else -1
        if not 0 <= size <= len(data) - at - 8:
            raise ValueError("truncated")
        parts.append(data[at + 8:at + 8 + size])
        at += 8 + size
    try:
        head = json.loads(parts[0])
        return head, [ObjectCode(parts[2 * k + 1], parts[2 * k + 2], tuple(h["exports"]), h["level"])
                      for k, h in enumerate(head["objects"])]
    except (KeyError, TypeError, IndexError) as e:
        raise ValueError("no object code") from e


__all__ = ["joined", "parted"]
