"""The C header of a library, and an example that calls it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from gradjit.ir.sizes import is_open
from gradjit.runtime.library.description import LibraryDescription, LibraryParameter, LibraryRoutine
from gradjit.runtime.library.error_codes import FACTOR, KINDS, check_text, conditions_text, first_array, takes_all
from gradjit.runtime.library.routines_outside import OutsideRoutine, needs

C_TYPES = {"f64": "double", "f32": "float", "bool": "uint8_t",
           **{f"i{n}": f"int{n}_t" for n in (8, 16, 32, 64)}, **{f"u{n}": f"uint{n}_t" for n in (8, 16, 32, 64)}}

TOP = """\
What every function returns: GRADJIT_OK; or, above 0, the number of a check of the program's own that failed; or, below
0, what is wrong with the call: -({factor} * kind + number of the parameter, from 1), where the kind is one of those
below and the number is 0 for what belongs to no single one. NAME_error gives the text of each code. Where a function
returns an error, what its results hold is not defined, and arrays that it changes are as they were.

Arrays belong to the caller: nothing is kept when a function returns, and nothing is to be freed. Results must share no
memory with any other array. Functions may be called by several threads at once, each with results and a workspace of
its own. Of a bool, a byte, each value but 0 is true.

`workspace`: memory for intermediate results of NAME_workspace(sizes) bytes, at an address that is a multiple of 64, for
the time of the call; or NULL: then the function allocates it, if it needs some. A function may allocate more where a
loop keeps values for its derivative.

The strided variants take arrays in any layout: `extents` by axis, `strides` in bytes, of any sign. What is not
row-major is copied. The strides of what is written to must keep its elements apart."""


def header(library: LibraryDescription, routines: Sequence[OutsideRoutine], targets: Sequence[str], by: str) -> str:
    guard = f"GRADJIT_{library.name.upper()}_H"
    enum = ",\n".join(f"    GRADJIT_{name} = {kind} /* {text} */" for kind, (name, text) in KINDS.items())
    parts = [
        comment(f"{library.name}: functions compiled by {by}, for {', '.join(targets)}. "
                f"{linked_with(library, routines)}", TOP.format(factor=FACTOR)),
        f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif",
        f"#ifndef GRADJIT_ERROR_KINDS\n#define GRADJIT_ERROR_KINDS\nenum {{\n    GRADJIT_OK = 0,\n{enum}\n}};\n#endif",
        *(function(r, needs(r, routines)) for r in library.routines),
        comment("`ask` is called now and then by what takes long, on the thread of the call; where it gives another "
                "number than 0 that call ends with GRADJIT_INTERRUPTED. NULL, as at first: nobody is asked.")
        + f"void {library.name}_set_interrupt(int (*ask)(void));",
        comment("Have the library call a routine of BLAS or LAPACK at an address instead of the one that it was linked "
                "with: `name` without the underscore, \"dgemm\". Gives 0, or -1 for one that it does not call.")
        + f"int32_t {library.name}_set_routine(const char *name, void (*address)(void));",
        f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {guard} */",
    ]
    return "\n\n".join(parts) + "\n"


def linked_with(library: LibraryDescription, routines: Sequence[OutsideRoutine]) -> str:
    """What a program has to be linked with."""
    if not routines:
        return "It needs nothing but the C library (link with -lm)."
    return (f"It calls {', '.join(x.fortran for x in routines)}: link with BLAS and LAPACK (Fortran's interface, "
            f"integers of 32 bits), and -lm.")


def comment(*paragraphs: str) -> str:
    """A comment of paragraphs; of one that begins with blanks the lines stay."""
    blocks = []
    for block in (b for p in paragraphs for b in p.split("\n\n")):
        text = block.replace("*/", "* /")
        blocks.append(text.splitlines() if text.startswith(" ") else textwrap.wrap(
            " ".join(text.split()), 112, break_long_words=False, break_on_hyphens=False))
    lines = [line for k, block in enumerate(blocks) for line in ([""] if k else []) + block]
    return "/* " + "\n".join(f" * {line}".rstrip() for line in lines)[3:] + "\n */\n"


def function(r: LibraryRoutine, routines: Sequence[OutsideRoutine]) -> str:
    """The declarations of one function."""
    told = [about(r, routines), "\n".join([*parameters_text(r), *errors_text(r)])]
    text = [comment(*filter(None, told)).rstrip()]
    taken = ", ".join([*map(size_of, r.sizes), *map(plain, r.parameters), "void *workspace"])
    text.append(f"int32_t {r.name}({taken});")
    body = "\n".join(f"    {field(p)}" for p in r.parameters) or "    int32_t none;"
    text.append(f"typedef struct {r.name}_arguments {{\n{body}\n}} {r.name}_arguments;")
    text.append(f"int32_t {r.name}_strided(const {r.name}_arguments *arguments, void *workspace);")
    text.append(f"int64_t {r.name}_workspace({', '.join(map(size_of, r.sizes)) or 'void'});")
    text.append(f"const char *{r.name}_error(int32_t code);")
    return "\n".join(text)


def about(r: LibraryRoutine, routines: Sequence[OutsideRoutine]) -> str:
    takes = f" It is for {conditions_text(r)}." if not takes_all(r) else ""
    calls = f" It calls {', '.join(x.fortran for x in routines)}." if routines else ""
    return f"{r.title}.{takes}{calls} " + " ".join(r.notes)


def parameters_text(r: LibraryRoutine) -> list[str]:
    """A line for each parameter: its number, name and type."""
    lines = []
    for k, p in enumerate(r.parameters, first_array(r)):
        role = {"in": "", "out": ", result", "inout": ", read and changed"}[p.role]
        label = f" ({p.label})" if p.label != p.name else ""
        lines.append(f"  {k}. {p.name}{label}: {p.type}{role}")
    return lines


def errors_text(r: LibraryRoutine) -> list[str]:
    return [f"  returns {k}: {check_text(c)}" for k, c in enumerate(r.checks, 1)]


def size_of(d: object) -> str:
    return f"int64_t {d}"


def plain(p: LibraryParameter) -> str:
    t = C_TYPES[p.dtype.name]
    return f"{t} {p.name}" if p.by_value else f"{'const ' if p.role == 'in' else ''}{t} *{p.name}"


def field(p: LibraryParameter) -> str:
    if p.by_value or not p.shape:
        return f"{plain(p)};"
    rank = len(p.shape)
    return f"struct {{ {plain(p).rpartition('*')[0]}*data; int64_t extents[{rank}], strides[{rank}]; }} {p.name};"


# an example -----------------------------------------------------------------------------------------------------------
EXAMPLE_TOP = "/* An example: calls each function of "
EXAMPLE_SIZE = 5
"""The open sizes of the example's first call."""


def example(library: LibraryDescription) -> str:
    """A program that calls each function once."""
    calls = "\n".join(call(r) for r in library.routines)
    names = "\n".join(f"    failed |= call_{r.name}();" for r in library.routines)
    return (f"{EXAMPLE_TOP}{library.name} once: cc main.c -L. -l{library.name} -lm */\n"
            f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n#include \"{library.name}.h\"\n\n"
            f"{calls}\nint main(void) {{\n    int failed = 0;\n{names}\n    return failed;\n}}\n")


def call(r: LibraryRoutine) -> str:
    lines = [f"static int call_{r.name}(void) {{"]
    values = dict(zip(r.sizes, example_sizes(r), strict=True))
    lines += [f"    const int64_t {d} = {n};" for d, n in values.items()]
    arrays = [p for p in r.parameters if not p.by_value]
    for p in r.parameters:
        t = C_TYPES[p.dtype.name]
        if p.by_value:
            lines.append(f"    {t} {p.name} = ({t})0.5;")
            continue
        count = c_number(p.elements)
        lines.append(f"    {t} *{p.name} = ({t} *)calloc((size_t)({count}) + 1, sizeof({t}));")
    if arrays:
        lines.append(f"    if ({' || '.join(f'{p.name} == NULL' for p in arrays)}) return 1;")
    for p in arrays:
        if p.role != "out" and p.dtype.is_float:
            t = C_TYPES[p.dtype.name]
            lines.append(f"    for (int64_t gj_i = 0; gj_i < {c_number(p.elements)}; gj_i++) "
                         f"{p.name}[gj_i] = ({t})0.1 * ({t})(gj_i % 10 + 1);")
    arguments = ", ".join([*map(str, r.sizes), *(p.name for p in r.parameters), "NULL"])
    lines.append(f"    int32_t gj_code = {r.name}({arguments});")
    lines.append(f"    if (gj_code != GRADJIT_OK) printf(\"{r.name}: %s\\n\", {r.name}_error(gj_code));")
    for p in arrays:
        if p.role != "in":
            few = f"gj_i < {c_number(p.elements)} && gj_i < 5"
            lines.append(f"    for (int64_t gj_i = 0; gj_code == GRADJIT_OK && {few}; gj_i++) "
                         f"printf(\"{r.name} {p.name}[%d] = %.17g\\n\", (int)gj_i, (double){p.name}[gj_i]);")
    lines += [f"    free({p.name});" for p in arrays]
    return "\n".join([*lines, "    return gj_code != GRADJIT_OK;", "}", ""])


def example_sizes(r: LibraryRoutine) -> list[int]:
    """Sizes that some version takes: small ones if there are such."""
    for start in (EXAMPLE_SIZE, 1, 20, 100, 1000):
        for step in (1, -1, 0):
            numbers = [max(start + step * k, 1) for k in range(len(r.sizes))]
            dims = dict(zip(r.sizes, numbers, strict=True))
            if any(all(c.holds(dims) for c in v.conditions) for v in r.versions):
                return numbers
    return [EXAMPLE_SIZE] * len(r.sizes)


def c_number(n: int) -> str:
    """A polynomial as C has it."""
    return n.text.replace("//", "/") if is_open(n) else str(n)


__all__ = ["C_TYPES", "example", "field", "header", "linked_with", "plain"]
