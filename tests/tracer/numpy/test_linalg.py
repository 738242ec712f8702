"""Products, contractions, einsum and norms against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.tracer.numpy.arrays import EMPTY, IA, IV, SMALL, ZERO_D, A, B, C, F, M, S, T, V, W
from tests.tracer.numpy.harness import Case, by_function, case, check_all

_rng = np.random.default_rng(11)


def r(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


R3, R34, R45, R54 = r(3), r(3, 4), r(4, 5), r(5, 4)
MATMUL_SHAPES = [(), (4,), (3, 4), (4, 4), (4, 5), (2, 3, 4), (2, 4, 5), (1, 4, 5), (5, 1, 3, 4), (5, 2, 4, 3),
                 (3, 4, 1), (0, 4), (4, 0),
                 (2, 4, 4)]
STACKS = {s: r(*s) for s in MATMUL_SHAPES}

PRODUCTS = [
    *(case(f, STACKS[a], STACKS[b]) for f in (np.matmul, np.dot, np.inner) for a,
      b in itertools.product(MATMUL_SHAPES, repeat=2)),
    *(case(f, a, b) for f in (np.matmul, np.dot, np.inner, np.vdot, np.outer) for a,
      b in ((IA, IA.T.copy()), (M, M.T.copy()), (F, A.T.copy()), (SMALL, SMALL.T.copy()),
                                                                                     (IV, V), (2.0, V), (V, 2.0),
                                                                                     (V, V))),
    *(case(np.vdot, a, b) for a, b in ((A, A), (V, W), (A, r(4, 3)), (ZERO_D, 2.0), (A, np.arange(12)))),
    case(np.vdot, C, C),
    *(case(np.outer, a, b) for a, b in ((V, W), (A, V), (2.0, V), (IV, M))), case(np.linalg.outer, V, W),
    case(np.linalg.outer, A, W),
    *(case(np.tensordot, T, b, axes=ax) for b,
      ax in ((r(3, 4, 5), 2), (r(4, 3, 5), ([1, 2], [1, 0])), (r(2, 6), ([0], [0])), (r(6, 2), (0, 1)), (r(5), 0),
             (T, 3), (r(3, 4, 5), 1),
                                                      (r(4, 3), ([1, 2], [1, 0])), (r(4, 3), ([-1], [-2])),
                                                      (T, ([0, 1, 2], [0, 1, 2])))),
    case(np.linalg.tensordot, T, r(4, 5), axes=1), case(np.tensordot, IA, IA.T.copy(), axes=1),
    case(np.tensordot, SMALL, SMALL, axes=2), case(np.tensordot, M, M, axes=2),
    *(case(np.kron, a, b) for a, b in ((A, B), (V, W), (A, V), (V, A), (T, A), (2.0, V), (ZERO_D, ZERO_D), (IA, M))),
    *(case(np.cross, r(*a), r(*b)) for a,
      b in (((3,), (3,)), ((5, 3), (5, 3)), ((5, 3), (3,)), ((2, 1, 3), (4, 3)), ((4,), (4,)))),
      case(np.cross, r(3, 5), r(3, 5), axis=0),
    case(np.cross, r(3, 5), r(5, 3), axisa=0, axisb=1, axisc=0), case(np.cross, np.arange(3), IV[:3]),
    case(np.linalg.cross, r(5, 3), r(3)), case(np.linalg.cross, r(2), r(2)),
    *(case(np.linalg.matrix_power, S, n) for n in (0, 1, 2, 3, 7)), case(np.linalg.matrix_power, r(2, 3, 3), 3),
    case(np.linalg.matrix_power, r(2, 3, 3), 0), case(np.linalg.matrix_power, A, 2),
    case(np.linalg.matrix_power, np.array([[1, 1], [1, 0]]), 10),
    case(np.linalg.matrix_power, S, -1, _tolerance=1e-11), case(np.linalg.matrix_power, S, 1.5, _floats=False),
    *(case(np.linalg.multi_dot, xs) for xs in ([A, B], [A, B, R54], [R3, A, B], [A, B, W], [R3, A, B, W],
                                               [A, B, R54, R45, R54], [A], [A, A], [T, B])),
    case(np.vecdot, T, r(3, 4)), case(np.vecdot, V, W), case(np.vecdot, T, r(4)),
    case(np.linalg.vecdot, T, r(1, 3, 1), axis=1), case(np.linalg.vecdot, T, T, axis=0), case(np.linalg.matmul, A, B),
    case(np.matvec, A, r(5, 4)), case(np.vecmat, r(5, 3), A), case(np.matvec, r(2, 3, 4), R3),
    case(np.matvec, T, r(4)), case(np.vecdot, M, M), case(np.matmul, A, B, dtype="f"),
    case(np.matmul, C, C.T.copy()), case(np.dot, C, C.T.copy()), case(np.matmul, C, B),
    case(np.matmul, EMPTY.T.copy(), EMPTY),
]

EINSUM = [
    *(case(np.einsum, s, *xs) for s, xs in (
        ("ij,jk", (A, B)), ("ij,jk->ik", (A, B)), ("ij,jk->ki", (A, B)), ("ij,kj->ik", (A, r(2, 4))),
        ("ji,jk->ik", (A, r(3, 2))), ("i,i", (V, V)), ("i,i->", (V, V)), ("i,i->i", (V, V)),
        ("i,j->ij", (V, W)), ("i,j->ji", (V, W)), ("ij->ji", (A,)), ("ij", (A,)), ("ji", (A,)), ("ij->", (A,)),
        ("ij->i", (A,)), ("ij->j", (A,)), ("ii", (S,)), ("ii->i", (S,)), ("ii->", (S,)),
        ("iij->j", (r(3, 3, 2),)), ("iji->ij", (r(3, 2, 3),)), ("iii->i", (r(3, 3, 3),)),
        ("iijj->ij", (r(2, 2, 3, 3),)), ("ij,ij->ij", (A, A)), ("ij,ij->i", (A, A)), ("ij,ij->j", (A, A)),
        ("ij,ij", (A, A)),
        ("ij,j->ij", (A, r(4))), ("ij,j->i", (A, r(4))), ("ij,i->j", (A, R3)), ("i,ij->j", (R3, A)),
        ("i,ij,j->", (R3, A, r(4))), ("i,ij,j", (R3, A, r(4))), ("bij,bjk->bik", (r(2, 3, 4), r(2, 4, 5))),
        ("bij,jk->bik", (r(2, 3, 4), B)), ("bij,bjk->ijk", (r(2, 3, 4), r(2, 4, 5))),
        ("bij,bjk->ik", (r(2, 3, 4), r(2, 4, 5))), ("ij,bjk->bik", (A, r(2, 4, 5))), ("bi,bij->bj", (r(2, 3), T)),
        ("nd,nd->n", (A, -A)), ("ab,cd->abcd", (A, B)), ("ab,cd", (A, B)), ("ab,cd->", (A, B)), ("ijk->kji", (T,)),
        ("ijk->k", (T,)), ("abc,abd->cd", (T, r(2, 3, 5))), ("abc,cba->", (T, r(4, 3, 2))),
        ("...ij,...jk->...ik", (r(2, 3, 4), r(2, 4, 5))), ("...ij,...jk", (r(5, 1, 3, 4), r(2, 4, 5))),
        ("...i,...i->...", (T, T)), ("...i,i", (T, r(4))), ("i...,i...->...", (T, T)), ("...", (T,)),
        ("...->...", (T,)),
        ("i...->...i", (T,)), ("...ii->...i", (r(2, 3, 3),)), ("...ii", (r(2, 3, 3),)), ("...,...", (V, V)),
        ("...,...->...", (A, r(4))), ("...i->i", (T,)), ("i...->i", (V,)), ("ij...,j...->i...", (T, r(3, 4))),
        ("ij,jk,kl", (A, B, R54)), ("ij,jk,kl,lm->im", (A, B, R54, R45)), ("ij,jk,kl->ljik", (A, B, R54)),
        ("a,b,c->abc", (R3, r(2), r(4))), ("a,ab,abc->c", (r(2), r(2, 3), T)), ("ij,ij,ij->ij", (A, A, A)),
        ("ij,ij,ij->", (A, A, A)), ("ab,ac,ad->bcd", (A, r(3, 2), r(3, 5))), ("aab,bc->ac", (r(3, 3, 2), r(2, 4))),
        ("a,a,b,b->", (R3, R3, r(2), r(2))), ("abcd,ac->bd", (r(2, 3, 4, 5), r(2, 4))),
        ("ab,b,bc,c,cd->ad", (r(2, 3), R3, A, r(4), B)),
        ("ij,jk->ik", (r(3, 1), r(4, 2))), ("ij,ij->ij", (r(1, 4), r(3, 1))), ("i,i->", (r(1), r(4))),
        ("ij , jk -> ik", (A, B)), ("i,->i", (V, ZERO_D)), (",->", (2.0, ZERO_D)), ("->", (ZERO_D,)),
        ("Ab,bC->AC", (A, B)), ("bA,Cb", (A.T.copy(), r(5, 4).T.copy())),
        ("ij,jk->ik", (IA, IA.T.copy())), ("ij,jk->ik", (SMALL, SMALL.T.copy())), ("ij,jk->ik", (M, M.T.copy())),
        ("ij,jk->ik", (F, B)), ("ij->i", (M,)), ("ij->", (SMALL,)), ("ij,jk->ik", (C, B)), ("ij,jk->ik", (EMPTY, A)),
        ("ij->j", (EMPTY,)),
        # wrong ones
        ("ij,jk->ik", (A, A)), ("ij,jk->il", (A, B)), ("ij->ijk", (A,)), ("ij->ii", (A,)), ("i", (A,)), ("ijk", (A,)),
        ("ij,jk", (A,)), ("ij", (A, B)), ("i1", (A,)), ("ii", (A,)), ("ij->i->j", (A,)), ("i-j", (A,)),
        ("...i->i", (T[0],)), ("i,i", (V, W)),
    )),
    case(np.einsum, A, [0, 1], B, [1, 2]), case(np.einsum, A, [0, 1], B, [1, 2], [2, 0]),
    case(np.einsum, T, [Ellipsis, 0], [0, Ellipsis]), case(np.einsum, A, [5, 1]), case(np.einsum, S, [0, 0]),
    case(np.einsum, "ij,jk->ik", A, B, optimize=True), case(np.einsum, "ij,jk->ik", A, B, optimize="greedy"),
    case(np.einsum, "ij,jk->ik", IA, IA.T.copy(), dtype=float), case(np.einsum, "ij->j", A, dtype=int),
    case(np.einsum, "ij,jk->ik", A, B, dtype="f", casting="unsafe"),
    case(np.einsum_path, "ij,jk,kl->il", A, B, R54),
]

NORMS = [
    *(case(np.linalg.norm, V, o) for o in (None, 1, 2, 3, 0.5, -1, -2, 0, np.inf, -np.inf, "fro", "nuc")),
    *(case(np.linalg.norm, A, o) for o in (None, "fro", "f", 1, -1, np.inf, -np.inf, 3)),
    *(case(np.linalg.norm, T, o, axis=a) for o in (None, 1, 2, np.inf, 3, 0) for a in (0, -1)),
    *(case(np.linalg.norm, T, o, axis=a) for o in (None, "fro", 1, -1, np.inf, -np.inf)
      for a in ((0, 1), (2, 0), (-1, -2))),
    case(np.linalg.norm, T), case(np.linalg.norm, T, 2), case(np.linalg.norm, T, keepdims=True),
    case(np.linalg.norm, A, axis=0, keepdims=True), case(np.linalg.norm, A, 1, keepdims=True),
    case(np.linalg.norm, A, axis=(0, 0)),
    case(np.linalg.norm, IV), case(np.linalg.norm, IA, 1), case(np.linalg.norm, F), case(np.linalg.norm, F, 3, axis=0),
    case(np.linalg.norm, [3.0, V[0]]), case(np.linalg.norm, V, axis=1), case(np.linalg.norm, M),
    case(np.linalg.norm, ZERO_D), case(np.linalg.norm, V, axis=(0, 1, 2)),
    *(case(np.linalg.norm, A, order) for order in (2, -2, "nuc")),
    *(case(np.linalg.norm, T, order, axis=(2, 0), keepdims=k) for order, k in ((2, True), (-2, False), ("nuc", True))),
    case(np.linalg.norm, C), case(np.linalg.norm, EMPTY),
    case(np.linalg.norm, EMPTY, np.inf, axis=0),
    *(case(np.linalg.vector_norm, T, axis=a, ord=o, keepdims=k) for a in (None, 1, (0, 2)) for o in (2, 1, np.inf, 3)
      for k in (False, True)), *(case(np.linalg.matrix_norm, T, ord=o) for o in ("fro", 1, np.inf)),
      case(np.linalg.matrix_norm, A, keepdims=True),
]


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(PRODUCTS))
def test_product(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(EINSUM))
def test_einsum(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(NORMS))
def test_norm(cases: list[Case]) -> None:
    check_all(cases)
