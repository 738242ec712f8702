"""What is refused: each error says the line, the name, the reason, and what to write instead."""

from __future__ import annotations

import linecache

import numpy as np
import pytest

import gradjit as gj

REFUSED = {
    "dict key": (gj.errors.TraceError, """
def erring(x, n):
    d = {}
    d[n] = x  # here
    return x
""", "Traced(i64[] %n) is a traced value, not known while gradjit compiles the",
     "use a Python number, which is static"),
    "dict by a traced value": (gj.errors.TraceError, """
def erring(x, n):
    d = {0: x, 1: -x}
    return d[n]  # here
""", "Traced(i64[] %n) is a traced value, not known while gradjit compiles the",
     "use a Python number, which is static"),
    "set of traced": (gj.errors.TraceError, """
def erring(x, n):
    s = {x[0], x[1]}  # here
    return x
""", "Traced(f64[]) is a traced value, not known while gradjit compiles the function,",
     "use a Python number, which is static"),
    "range as shape": (gj.errors.TraceError, """
def erring(x, n):
    y = np.zeros(n)  # here
    return y
""", "a shape is a traced value, and nothing says how large it can be: no memory can",
     "pass the number as an int argument, which is static, or make the array in its full"),
    "reshape by a value": (gj.errors.TraceError, """
def erring(x, n):
    return x.reshape(n, 1)  # here
""", "a shape is a traced value, and nothing says how large it can be: no memory can",
     "pass the number as an int argument, which is static, or make the array in its full"),
    "truth of an array": (gj.errors.TraceError, """
def erring(x, n):
    if x > 0:  # here
        return x
    return -x
""", "Traced(bool[3]) is a traced value, not known while gradjit compiles the",
     "write np.where(condition, a, b), np.logical_and, np.logical_not, or an if statement"),
    "while on an array": (gj.errors.TraceError, """
def erring(x, n):
    while x > 0:  # here
        x = x - 1
    return x
""", "Traced(bool[3]) is a traced value, not known while gradjit compiles the",
     "write np.where(condition, a, b), np.logical_and, np.logical_not, or an if statement"),
    "and of arrays": (gj.errors.TraceError, """
def erring(x, n):
    return x if (x > 0) and (x < 1) else -x  # here
""", "Traced(bool[3]) is a traced value, not known while gradjit compiles the",
     "write np.where(condition, a, b), np.logical_and, np.logical_not, or an if statement"),
    "int in format": (gj.errors.TraceError, """
def erring(x, n):
    s = f'{x[0]:.2f}'  # here
    return len(s)
""", "the length of the text '{0:.2f}', whose numbers are not known while gradjit",
     "print it (print, gj.debug_print), log it or raise it as it is, or make it outside,"),
    "string compare": (gj.errors.TraceError, """
def erring(x, n):
    return str(x[0]) == '1.0'  # here
""", "a comparison of the text '{0!s}', whose numbers are not known while gradjit",
     "print it (print, gj.debug_print), log it or raise it as it is, or make it outside,"),
    "bincount": (gj.errors.UnsupportedError, """
def erring(x, n):
    return np.bincount(x.astype(int))  # here
""", "np.bincount is not supported: of traced numbers of which nothing says how large",
     "write np.bincount(np.minimum(numbers, most), ...), or np.add.at(np.zeros(n), numbers,"),
    "polydiv": (gj.errors.UnsupportedError, """
def erring(x, n):
    return np.polydiv(x, x[:2])  # here
""", "np.polydiv is not supported: polynomial division takes as many steps as the",
     "leading coefficients demand"),
    "random inside": (gj.errors.TraceError, """
def erring(x, n):
    return x + np.random.rand(3)  # here
""", "np.random.rand gives another result at each call, and the compiled",
     "call it outside and pass the result as an argument"),
    "random module": (gj.errors.TraceError, """
def erring(x, n):
    import random
    return x * random.random()  # here
""", "random.random gives another result at each call, and the compiled function",
     "call it outside and pass the result as an argument"),
    "unseeded generator": (gj.errors.TraceError, """
def erring(x, n):
    r = np.random.default_rng()  # here
    return x + r.normal()
""", "numpy.random.default_rng gives another result at each call, and the compiled",
     "give it a seed, or call it outside and pass the result as an argument"),
    "time": (gj.errors.TraceError, """
def erring(x, n):
    import time
    return x * time.time()  # here
""", "time.time gives another result at each call, and the compiled function would",
     "call it outside and pass the result as an argument"),
    "perf_counter": (gj.errors.TraceError, """
def erring(x, n):
    import time
    t = time.perf_counter()  # here
    return x * t
""", "time.perf_counter gives another result at each call, and the compiled function",
     "call it outside and pass the result as an argument"),
    "today": (gj.errors.TraceError, """
def erring(x, n):
    import datetime
    return x * datetime.datetime.now().year  # here
""", "datetime.now gives another result at each call, and the compiled function would",
     "call it outside and pass the result as an argument"),
    "input": (gj.errors.TraceError, """
def erring(x, n):
    return x * float(input())  # here
""", "input() inside a compiled function would run once, while tracing, and its",
     "call it outside and pass the result as an argument"),
    "open": (gj.errors.TraceError, """
def erring(x, n):
    return x * len(open('x').read())  # here
""", "open() inside a compiled function would run once, while tracing, and its result",
     "call it outside and pass the result as an argument"),
    "save": (gj.errors.UnsupportedError, """
def erring(x, n):
    np.save('x', x)  # here
    return x
""", "np.save is not supported: files are written outside of the compiled function",
     ""),
    "savetxt": (gj.errors.UnsupportedError, """
def erring(x, n):
    np.savetxt('x', x)  # here
    return x
""", "np.savetxt is not supported: files are written outside of the compiled function",
     ""),
    "decimal": (gj.errors.UnsupportedError, """
def erring(x, n):
    import decimal
    return decimal.Decimal(x[0])  # here
""", "Decimal takes no traced value: it wants numbers that are known while gradjit",
     "compute with floats and arrays, or call it outside, with what is returned"),
    "fraction": (gj.errors.UnsupportedError, """
def erring(x, n):
    import fractions
    return fractions.Fraction(x[0])  # here
""", "Fraction takes no traced value: it wants numbers that are known while gradjit",
     "compute with floats and arrays, or call it outside, with what is returned"),
    "pow mod": (gj.errors.UnsupportedError, """
def erring(x, n):
    return pow(n, 3, 7)  # here
""", "pow(x, y, mod) of traced values is not supported: its powers are Python's, of",
     "multiply in a loop, as r = r * x % mod"),
    "growing array": (gj.errors.TraceError, """
def erring(x, n):
    for i in range(n):  # here
        x = np.concatenate([x, x])
    return x
""", "the loop in line 2 cannot be compiled as a loop, and its number of iterations",
     "x changes from f64[3] (an array) to f64[6] (an array)"),
    "dtype changes": (gj.errors.TraceError, """
def erring(x, n):
    y = np.zeros(3, int)
    for i in range(n):  # here
        y = y + 0.5
    return y
""", "the loop in line 3 cannot be compiled as a loop, and its number of iterations",
     "y changes from i64[3] (an array) to f64[3] (an array)"),
    "list then number": (gj.errors.TraceError, """
def erring(x, n):
    y = 0.0
    for i in range(n):  # here
        y = [y]
    return y
""", "the loop in line 3 cannot be compiled as a loop, and its number of iterations",
     "y changes from 0.0 to a list"),
    "none or array": (gj.errors.TraceError, """
def erring(x, n):
    y = None
    if x[0] > 0:
        y = x
    return np.clip(x, None, y)  # here
""", "y is f64[3] (an array) in one branch and None in the other (the if in line 3),",
     "begin with a number instead of None, as -1 or np.nan"),
    "two structures": (gj.errors.TraceError, """
def erring(x, n):
    if x[0] > 0:
        y = (x, x)
    else:
        y = [x]
    return y  # here
""", "y is a tuple in one branch and a list in the other (the if in line 2), where",
     "give it the same type in both"),
    "members of an IntEnum": (gj.errors.TraceError, """
import enum
class State(enum.IntEnum):
    OFF = 0
    ON = 1
def erring(x, n):
    s = State.ON if x[0] > 0 else State.OFF  # here
    return x[1] * s
""", "the expression is <State.ON: 1> in one branch and <State.OFF: 0> in the other",
     "members of an enum.Enum may be chosen so; those of an IntEnum are numbers"),
    "a stack": (gj.errors.TraceError, """
def erring(x, n):
    stack, total = [x[0], x[1]], 0.0
    while total < x[2]:  # here
        total = total + stack[-1]
        stack.insert(0, total)
    return total
""", "the loop in line 3 has a traced condition, and cannot be compiled as a loop: a list grows or shrinks",
     "keep the items in an array of full size, and their number in a variable"),
    "shapes of branches": (gj.errors.TraceError, """
def erring(x, n):
    y = x if x[0] > 0 else x[:2]  # here
    return y.sum()
""", "the expression is f64[3] (an array) in one branch and f64[2] (an array) in the",
     "give it the same type in both"),
    "dtypes of branches": (gj.errors.TraceError, """
def erring(x, n):
    if x[0] > 0:
        y = x
    else:
        y = x > 1  # mark
    return y  # here
""", "y is f64[3] (an array) in one branch and bool[3] (an array) in the other (the",
     "give it the same type in both"),
    "dict keys in a loop": (gj.errors.TraceError, """
def erring(x, n):
    d = {}
    for i in range(n):  # here
        d[i] = x[0]
    return x
""", "the loop in line 3 cannot be compiled as a loop, and its number of iterations",
     "use a Python number, which is static"),
    "list insert in a loop": (gj.errors.TraceError, """
def erring(x, n):
    l = []
    for i in range(n):
        l.insert(1, x[0])  # here
    return np.sum(np.array(l))
""", "the loop in line 3 cannot be compiled as a loop, and its number of iterations",
     "its length, items, slices, iteration and NumPy's functions of it are"),
    "shapes in a list": (gj.errors.ShapeError, """
def erring(x, n):
    l = []
    for i in range(9, 20):
        l.append(x[:i % 3])
    return np.array(l)  # here
""", "a list of arrays of different shapes: (0,), (1,), (2,), (0,), (1,), (2,), (0,),",
     "(1,), (2,), (0,), (1,)"),
    "generator returned": (gj.errors.TraceError, """
def erring(x, n):  # here
    return (v for v in x)
""", "the function returns a generator, whose code would run only after tracing;",
     "return a list or an array"),
    "map returned": (gj.errors.TraceError, """
def erring(x, n):  # here
    return map(np.sin, x)
""", "the function returns a map, whose code would run only after tracing; return a",
     "list or an array"),
    "raise in try": (gj.errors.TraceError, """
def erring(x, n):
    def checked(v):
        if v > 0:  # here
            raise ValueError('x')
    try:
        for v in np.concatenate([x, np.sin(x), x, x, x, x, x]):
            checked(v)
    except ValueError:
        return x
    return -x
""", "the program raises ValueError under a condition on traced values, and the try",
     "write what the handler does into the branch, or catch it around the call of the"),
    "always raises": (gj.errors.TraceError, """
def erring(x, n):
    if x[0] > 0:
        raise ValueError('a')
    raise ValueError('b')  # here
""", "erring raises an exception whichever way it takes, so that it computes nothing;",
     "ValueError('b')"),
    "unlike list index": (gj.errors.UnsupportedError, """
def erring(x, n):
    l = [x, x[:2]]
    return l[n].sum()  # here
""", "a list is indexed by a traced integer, and its items have the shapes (2,),",
     "items must be numbers, or arrays of one shape and dtype. Stack them into an array"),
    "tuple of functions": (gj.errors.UnsupportedError, """
def erring(x, n):
    fs = (np.sin, np.cos)
    return fs[n](x)  # here
""", "a tuple is indexed by a traced integer, and it holds a ufunc: items must be",
     "numbers, or arrays of one shape and dtype. Stack them into an array before, as by"),
    "list write unlike": (gj.errors.UnsupportedError, """
def erring(x, n):
    l = [x, 'a']
    l[n] = x  # here
    return l[0]
""", "a list is written to at a place that is not known while gradjit compiles the",
     "make it an array before, as by x = np.array(x) (or np.zeros), and write x[i] = value"),
    "hash": (gj.errors.TraceError, """
def erring(x, n):
    return hash(x[0])  # here
""", "Traced(f64[]) is a traced value, not known while gradjit compiles the function,",
     "use a Python number, which is static"),
    "is": (gj.errors.TraceError, """
def erring(x, n):
    return x if x is OTHER else -x  # here
""", "whether two arrays or containers that are passed to a compiled function, or",
     "compare what they hold, or pass a flag"),
    "pickle": (gj.errors.TraceError, """
def erring(x, n):
    import pickle
    return len(pickle.dumps(x))  # here
""", "Traced(f64[3] %x) is a traced value, not known while gradjit compiles the",
     "return it from the function first"),
    "json": (gj.errors.UnsupportedError, """
def erring(x, n):
    import json
    return len(json.dumps(x.tolist()))  # here
""", "dumps takes no traced value: it wants numbers that are known while gradjit",
     "compute with floats and arrays, or call it outside, with what is returned"),
    "global list read": (gj.errors.TraceError, """
def erring(x, n):
    LOG.append(x[0])
    return x * len(LOG)  # here
""", "a list from outside that the function appends to is read, too: what it holds",
     "keep what is read in an attribute or a variable"),
    "bytes": (gj.errors.UnsupportedError, """
def erring(x, n):
    return len(x.tobytes())  # here
""", "the array method or attribute .tobytes is not supported",
     ""),
    "ctypes": (gj.errors.UnsupportedError, """
def erring(x, n):
    return x.ctypes.data  # here
""", "the array method or attribute .ctypes is not supported",
     ""),
    "base": (gj.errors.UnsupportedError, """
def erring(x, n):
    return x.base is None  # here
""", "the array method or attribute .base is not supported",
     ""),
    "view dtype": (gj.errors.UnsupportedError, """
def erring(x, n):
    return x.view(np.float32)  # here
""", "x.view(float32) of an array of float64 is not supported; write x.astype(dtype),",
     "or a view as numbers of the same size"),
    "setting dtype": (gj.errors.UnsupportedError, """
def erring(x, n):
    y = x * 1
    y.dtype = np.int64  # here
    return y
""", "setting .dtype of a traced array is not supported; write x = x.astype(dtype)",
     ""),
    "readonly": (gj.errors.TraceError, """
def erring(x, n):
    y = np.broadcast_to(x, (2, 3))
    y[0, 0] = 1.0  # here
    return y
""", "assignment destination is read-only: a broadcast or diagonal view; write",
     ".copy() first"),
    "bad shapes": (gj.errors.ShapeError, """
def erring(x, n):
    return x + np.ones(4)  # here
""", "operands could not be broadcast together with shapes (3,) (4,)",
     ""),
    "bad matmul": (gj.errors.ShapeError, """
def erring(x, n):
    return np.ones((4, 4)) @ x  # here
""", "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc",
     "signature (n?,k),(k,m?)->(n?,m?) (size 3 is different from 4)"),
    "bad index": (gj.errors.BoundsError, """
def erring(x, n):
    return x[7]  # here
""", "index 7 is out of bounds for axis 0 with size 3",
     ""),
    "too many indices": (gj.errors.BoundsError, """
def erring(x, n):
    return x[0, 0]  # here
""", "too many indices for array: array is 1-dimensional, but 2 were indexed",
     ""),
    "bad axis": (gj.errors.AxisError, """
def erring(x, n):
    return x.sum(axis=3)  # here
""", "axis 3 is out of bounds for array of dimension 1",
     ""),
    "bad einsum": (gj.errors.ArgumentError, """
def erring(x, n):
    return np.einsum('ij,j', x, x)  # here
""", "einstein sum subscripts string contains too many subscripts for an operand of 1",
     "dimensions"),
    "bad reshape": (gj.errors.ShapeError, """
def erring(x, n):
    return x.reshape(2, 2)  # here
""", "cannot reshape array of size 3 into shape (2,2)",
     ""),
    "object array": (gj.errors.DtypeError, """
def erring(x, n):
    return np.array([x, None], dtype=object)  # here
""", "arrays of dtype object cannot be compiled; supported are bool, integers,",
     "float32/64 and complex64/128"),
    "strings": (gj.errors.UnsupportedError, """
def erring(x, n):
    return np.array(['a', 'b'])[n]  # here
""", "an array of <U1 is indexed by a traced value, and holds no numbers that can be",
     "keep the numbers in an array of their own, or choose with if and else"),
    "float16": (gj.errors.DtypeError, """
def erring(x, n):
    return np.sin(x.astype(np.int8))  # here
""", "np.sin on int8 works in float16, which is not supported; cast the operand, as",
     "by x.astype(float)"),
    "longdouble": (gj.errors.DtypeError, """
def erring(x, n):
    return x.astype(np.longdouble)  # here
""", "arrays of dtype float128 cannot be compiled; supported are bool, integers,",
     "float32/64 and complex64/128"),
    "matrix": (gj.errors.UnsupportedError, """
def erring(x, n):
    return np.matrix(x)  # here
""", "np.matrix wants the elements of a traced array, which are not known yet;",
     "matrix = gj.primitive(np.matrix, out=\"f64[n]\", vjp=\"numeric\")"),
    "as_strided": (gj.errors.UnsupportedError, """
def erring(x, n):
    return np.lib.stride_tricks.as_strided(x, (2,), (8,))  # here
""", "np.lib.stride_tricks.as_strided is not supported: it looks at memory; write",
     "sliding_window_view, or an index"),
    "histogram rule": (gj.errors.UnsupportedError, """
def erring(x, n):
    return np.histogram(x, bins='auto')[0]  # here
""", "np.histogram is not supported: a rule for the number of bins",
     ""),
    "apply over": (gj.errors.DtypeError, """
def erring(x, n):
    return np.piecewise(x, [x > 0], ['a'])  # here
""", "'a' (of type str) is no array and no number",
     ""),
    "structured whole": (gj.errors.UnsupportedError, """
def erring(x, n):
    s = np.zeros(3, dtype=[('a', float)])
    s['a'] = x
    return np.sort(s)['a']  # here
""", "np.sort of a structured array as a whole is not supported in compiled",
     "apply it to the fields, as s[\"x\"]"),
    "masked element": (gj.errors.UnsupportedError, """
def erring(x, n):
    m = np.ma.masked_where(x > 1, x)
    return m[0]  # here
""", "an element of a masked array is read, and whether it is masked depends on",
     "write m.filled(value)[i]"),
    "masked other": (gj.errors.UnsupportedError, """
def erring(x, n):
    m = np.ma.masked_where(x > 1, x)
    return np.ma.median(m)  # here
""", "np.ma.median of traced values is not supported; write np.where with a mask",
     ""),
    "statistics mode": (gj.errors.TraceError, """
def erring(x, n):
    import statistics
    return statistics.mode(x)  # here
""", "statistics.mode of traced numbers is not supported; write it with NumPy's",
     "functions"),
    "dict comprehension": (gj.errors.TraceError, """
def erring(x, n):
    d = {k: v for k, v in zip('abc', x) if v > 0}  # here
    return x
""", "Traced(bool[]) is a traced value, not known while gradjit compiles the",
     "write np.where(condition, a, b), np.logical_and, np.logical_not, or an if statement"),
    "traced slice step": (gj.errors.TraceError, """
def erring(x, n):
    return x[::n]  # here
""", "the step of a slice must be known while the function is traced; write an int,",
     "or index with np.arange(...) * step"),
    "sorted arrays": (gj.errors.TraceError, """
def erring(x, n):
    return sorted([x, -x])[0]  # here
""", "sorted() of several arrays has no order; sort them by a number, as by key=np.sum",
     ""),
    "max of arrays": (gj.errors.TraceError, """
def erring(x, n):
    return max(x, -x)  # here
""", "max() of several arrays has no single answer; write np.maximum(a, b)",
     ""),
    "sum of kinds": (gj.errors.DtypeError, """
def erring(x, n):
    return x + 'a'  # here
""", "'a' (of type str) is no array and no number",
     ""),
}
OTHER = np.ones(3)


@pytest.mark.parametrize("name", REFUSED)
def test_the_words(name):
    """The beginning of the message, its end, and the line that is marked."""
    kind, text, begins, ends = REFUSED[name]
    text, file = text.lstrip("\n"), f"<refused: {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {"np": np, "OTHER": OTHER, "LOG": []}
    exec(compile(text, file, "exec"), space)
    with pytest.raises(kind) as caught:
        gj.jit(space["erring"], backend="interpreter")(np.array([0.5, 1.5, 2.5]), np.int64(2))
    said = str(caught.value)
    line = next(k for k, s in enumerate(text.splitlines(), 1) if s.endswith("# here"))
    assert said.startswith(begins) and ends in said.partition("\n")[0], said
    assert f'File "{file}", line {line}, in' in said, said
