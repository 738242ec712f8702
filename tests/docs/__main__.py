"""`python -m tests.docs`: run the documentation; with `--bless`, write what it prints into the pages."""

from __future__ import annotations

import contextlib
import sys
import tempfile

from .pages import PAGES, ROOT, blessed, complaints, run


def main() -> int:
    failed = False
    for page in PAGES:
        text = page.read_text()
        with tempfile.TemporaryDirectory() as where, contextlib.chdir(where):  # pages write files
            printed = run(text, f"{page.stem}.py")
        wrong = complaints(printed)
        if wrong and "--bless" in sys.argv:
            page.write_text(blessed(text, printed))
            print(f"{page.relative_to(ROOT)}: {len(wrong)} output(s) rewritten")
        elif wrong:
            failed = True
            print(f"{page.relative_to(ROOT)}: " + "\n".join(wrong))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
