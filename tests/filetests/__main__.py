"""`python -m tests.filetests [--bless] [FILE or DIRECTORY ...]`: run file tests, or write their expected texts anew."""

from __future__ import annotations

import argparse
import sys

from .runner import bless, check, paths, read


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.filetests", description=__doc__)
    parser.add_argument("--bless", action="store_true", help="write what comes out as what is expected")
    parser.add_argument("names", nargs="*", help="files or directories, as they are named below tests/filetests")
    options = parser.parse_args()
    found, failed, changed = paths(options.names), 0, 0
    for path in found:
        try:
            if options.bless:
                changed += bless(read(path))
            else:
                check(read(path))
        except Exception as e:
            failed += 1
            print(f"{path}: {e}", file=sys.stderr)
    print(f"{len(found)} files, {failed} failed" + (f", {changed} rewritten" if options.bless else ""))
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
