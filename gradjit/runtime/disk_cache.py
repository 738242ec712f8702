"""Compiled code on disk, so that a program that is started again does not compile again.

One file an entry, named by the hash of what shaped the code: the operations without names and lines, the layouts of
the arguments, gradjit's own files, the versions of LLVM, Python and NumPy, the CPU and its features. A file is
written beside its place and then moved there, so that another process finds all of it or nothing: there are no locks
that could be left behind. What is found is used only if its authentication code, under a key that only this user
can read, is right: a file that is torn, foreign or tampered with counts as none, and is made anew. A directory that
others may write to is not used at all.

The cache is never needed: whatever goes wrong with it (no room, no permission, no such directory) means to compile.

    GRADJIT_CACHE=0          no cache
    GRADJIT_CACHE_DIR=path   where it is, instead of the user's directory of caches
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from gradjit.environment import say
from gradjit.records import dataclass

MAGIC = b"gradjit\x01"
LIMIT = 1 << 30
"""Bytes; beyond them the entries that were used longest ago go."""
ROOM = 0.9
"""So much of the limit is left when entries have gone."""
FOLDERS = 256
"""Entries are spread over so many folders, by the first digits of their keys."""
SWEEP = 16
"""With one entry of so many that are written its folder is looked at, chosen by the key: each process may write but
few, and to look at all folders takes longer than most compilations."""
SUFFIX, PART = ".code", ".part"
EVERY = "[0-9a-f][0-9a-f]"
"""All folders."""
DIGEST = 32


class UntrustedError(PermissionError):
    """Others have access to a cache."""


@dataclass
class DiskCache:
    """Entries by key in one directory. Methods never raise: what cannot be read is not there, what cannot be written is
    not kept."""

    directory: Path
    limit: int = LIMIT
    secret: bytes = field(default=b"", repr=False)

    @classmethod
    def at(cls, directory: Path) -> DiskCache | None:
        """The cache in a directory, which is made if need be; None where it cannot be, or others may write there or
        know its key."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (why := unsafe(directory)) is not None:
                raise UntrustedError(why)
            return cls(directory, secret=secret_in(directory))
        except UntrustedError as e:
            say(f"the cache in {directory} is not used: {e}")
        except OSError:
            pass
        return None

    def path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}{SUFFIX}"

    def get(self, key: str) -> bytes | None:
        """What was put there under a key; None if nothing was, or something else stands there now."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        import hmac
        content = data[len(MAGIC) + DIGEST:]
        if not (data.startswith(MAGIC)
                and hmac.compare_digest(data[len(MAGIC):len(MAGIC) + DIGEST], self.sign(key, content))):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # what is used stays
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep something under a key, in one step for all who look."""
        path = self.path(key)
        data = MAGIC + self.sign(key, content) + content
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            handle, name = new_file(path.parent, PART)
            try:
                with os.fdopen(handle, "wb") as f:
                    f.write(data)
                os.replace(name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        except OSError:
            return
        if int(key[2:4], 16) % SWEEP == 0:
            self.sweep(self.limit // FOLDERS, key[:2])

    def sign(self, key: str, content: bytes) -> bytes:
        """The authentication code of an entry: it holds for its key only."""
        import hmac

        return hmac.digest(self.secret, key.encode() + b"\0" + content, "sha256")

    def entries(self, folder: str = EVERY) -> list[tuple[float, int, Path]]:
        """When each was used last, its size, and where it is."""
        found = []
        for path in self.files(folder):
            with contextlib.suppress(OSError):
                s = path.stat()
                found.append((s.st_mtime, s.st_size, path))
        return found

    def files(self, folder: str = EVERY, suffix: str = SUFFIX) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            yield from self.directory.glob(f"{folder}/*{suffix}")

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(size for _, size, _ in self.entries())

    def sweep(self, limit: int | None = None, folder: str = EVERY) -> int:
        """Where there is more than the limit, drop what was used longest ago, but for what was used last; how many have
        gone. Parts that a process which ended too soon has left go, too."""
        limit = self.limit if limit is None else limit
        found = sorted(self.entries(folder))
        total, gone = sum(size for _, size, _ in found), 0
        if total > limit:
            for _, size, path in found[:-1]:
                if total <= limit * ROOM:
                    break
                with contextlib.suppress(OSError):
                    path.unlink()
                    total, gone = total - size, gone + 1
        self.drop_parts(min((used for used, _, _ in found), default=0.0), folder)
        return gone

    def drop_parts(self, before: float, folder: str = EVERY) -> None:
        """Drop what was begun before the time `before` (of files, not of this machine's clock) and never finished."""
        for path in self.files(folder, PART):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def clear(self) -> int:
        """Drop everything; how many entries there were."""
        gone = 0
        for path in [*self.files(), *self.files(suffix=PART)]:
            with contextlib.suppress(OSError):
                path.unlink()
                gone += path.suffix == SUFFIX
        return gone

    def verify(self) -> tuple[int, int]:
        """Look at every entry; how many are whole, and how many were not and are gone."""
        good = bad = 0
        for path in list(self.files()):
            if self.get(path.name.removesuffix(SUFFIX)) is None:
                bad += 1
            else:
                good += 1
        return good, bad


# where ----------------------------------------------------------------------------------------------------------------
def standard_directory() -> Path:
    """The user's directory of caches, as this system has it, unless GRADJIT_CACHE_DIR says another one."""
    if asked := os.environ.get("GRADJIT_CACHE_DIR"):
        return Path(asked)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "gradjit" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/gradjit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gradjit"


def is_on() -> bool:
    """GRADJIT_CACHE=0 switches it off."""
    asked = os.environ.get("GRADJIT_CACHE", "")
    if asked not in ("", "0", "1"):
        say(f"GRADJIT_CACHE={asked!r} is neither 0 nor 1, and counts as 1")
    return asked != "0"


def current() -> DiskCache | None:
    """The cache that the environment asks for now; None without one."""
    if not is_on():
        return None
    try:
        return _opened(standard_directory())
    except (OSError, RuntimeError, ValueError):  # a user without a home, a path that is none
        return None


@functools.lru_cache(maxsize=8)
def _opened(directory: Path) -> DiskCache | None:
    return DiskCache.at(directory)


def unsafe(directory: Path) -> str | None:
    """Why a directory must not be trusted, if so."""
    s = directory.stat()
    if not stat.S_ISDIR(s.st_mode):
        return "it is no directory"
    if os.name == "nt":
        return None
    if s.st_uid != os.getuid():
        return "it belongs to another user"
    if s.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to it (chmod go-w {directory})"
    return None


def secret_in(directory: Path) -> bytes:
    """The user's key, made when it is first asked for. OSError where it cannot be read or made, or others know it."""
    path = directory / "key"
    for _ in range(3):  # it may be missing, or torn and then missing
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            make_secret(path)
            continue
        with os.fdopen(handle, "rb") as f:
            s = os.fstat(f.fileno())
            if os.name != "nt" and (s.st_uid != os.getuid() or s.st_mode & 0o077):
                raise UntrustedError(f"others may read its key (remove {path}, and there will be a new one)")
            found = f.read(DIGEST + 1)
        if len(found) == DIGEST:
            return found
        path.unlink()
    raise OSError(f"no key in {path}")


def new_file(folder: Path, suffix: str = "") -> tuple[int, Path]:
    """A file of the user's alone that nobody else writes, open, and its name. (`tempfile` would do as much: 30 modules
    that each import of gradjit would wait for.)"""
    path = folder / f"{os.urandom(8).hex()}{suffix}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags, 0o600), path


def make_secret(path: Path) -> None:
    """Write a fresh key; where another process was faster, its key stays."""
    handle, name = new_file(path.parent)
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(os.urandom(DIGEST))
        with contextlib.suppress(FileExistsError):
            os.link(name, path) if hasattr(os, "link") else os.rename(name, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


# what shapes all code -------------------------------------------------------------------------------------------------
@functools.cache
def surroundings() -> bytes:
    """What every entry depends on besides the program: gradjit's own files, versions, the machine."""
    import hashlib

    import numpy as np

    from gradjit.runtime import cpython, jit, numpy_abi

    root = str(Path(__file__).resolve().parent.parent)
    facts = (sorted(sources(root)), sys.version, sys.implementation.cache_tag, np.__version__, jit.target_key(),
             cpython.layout(), numpy_abi.layout())
    return hashlib.sha256(repr(facts).encode()).digest()


def sources(directory: str, prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """The Python files of a package: name, size, and when it was written. (Their contents would take longer to
    read than a small function to compile.)"""
    for entry in os.scandir(directory):
        if entry.name.endswith(".py"):
            s = entry.stat()
            yield prefix + entry.name, s.st_size, s.st_mtime_ns
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from sources(entry.path, f"{prefix}{entry.name}/")


def key_of(kind: str, *parts: bytes) -> str:
    """The name of an entry: a hash of its kind, of what shapes all code, and of the parts."""
    import hashlib

    h = hashlib.sha256(surroundings())
    for part in (kind.encode(), *parts):
        h.update(b"%d:" % len(part))
        h.update(part)
    return h.hexdigest()


__all__ = ["DiskCache", "current", "is_on", "key_of", "standard_directory", "surroundings"]
