"""The compiled code that gradjit keeps on disk, for programs that are started again.

    gradjit cache info      where it is, how many entries, how large (this is what no word means, too)
    gradjit cache verify    look at every entry; those that are torn or not this user's go
    gradjit cache clear     drop all entries

GRADJIT_CACHE_DIR says where it is; GRADJIT_CACHE=0 switches it off.
"""

from __future__ import annotations

import argparse

from ..runtime import disk_cache
from . import console

HELP = "show, check or clear the compiled code on disk"


def options(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", nargs="?", choices=ACTIONS, default="info", help="(%(default)s)")


def command(o: argparse.Namespace) -> int:
    store = disk_cache.current()
    if store is None:
        why = "it cannot be made or read, or others have access to it" if disk_cache.is_on() else "GRADJIT_CACHE=0"
        console.listing([("directory", str(disk_cache.standard_directory())), ("used", f"no: {why}")])
        return 0 if o.action == "info" else 1
    return ACTIONS[o.action](store)


def _info(store: disk_cache.DiskCache) -> int:
    console.listing([
        ("directory", str(store.directory)),
        ("entries", str(len(store.entries()))),
        ("size", f"{store.size() / 1e6:.1f} MB of at most {store.limit / 1e6:.0f}"),
    ])
    return 0


def _verify(store: disk_cache.DiskCache) -> int:
    good, bad = store.verify()
    console.listing([("whole", str(good)), ("dropped", str(bad))])
    return 1 if bad else 0


def _clear(store: disk_cache.DiskCache) -> int:
    console.listing([("dropped", str(store.clear()))])
    return 0


ACTIONS = {"info": _info, "verify": _verify, "clear": _clear}
