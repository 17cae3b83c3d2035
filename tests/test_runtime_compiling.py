"""Numba's settings while kernels compile, the small functions that kernels call, and samples that come in pieces."""

from contextlib import ExitStack

import numba
import numpy as np
import pytest
from numba.core import base, caching

from netc.runtime.devices.compiling import compiling
from netc.runtime.devices.kernel import columns, flat, isfinite, least
from netc.runtime.training.sample_layout import lay_out_pieces


def settings() -> tuple[object, ...]:
    return numba.config.OPT, caching.Cache.save_overload, base.BaseContext.refresh


def test_numbas_settings_are_its_own_again_in_whatever_order_threads_leave():
    own, first, second = settings(), ExitStack(), ExitStack()
    first.enter_context(compiling())
    inside = settings()
    second.enter_context(compiling())
    first.close()
    assert settings() == inside != own
    second.close()
    assert settings() == own


def test_new_registrations_are_seen_while_kernels_compile():
    """An intrinsic that is made between two compilations, and a function whose types no one has compiled before."""
    with compiling():
        assert numba.njit(lambda x: x + 1)(1) == 2

        @numba.extending.intrinsic
        def seven(typing):
            return numba.types.int64(), lambda context, builder, sig, args: context.get_constant(
                sig.return_type, 7
            )

        assert numba.njit(lambda: seven())() == 7
        assert numba.njit(lambda words: words[0].upper())(("ab", "c")) == "AB"


def test_small_functions():
    @numba.njit
    def both(table, a, b, value):
        row = flat(table)
        row[1] = 5.0
        return row.shape[0], row[-1], columns(table), least(a, b), isfinite(value)

    for dtype in (np.float64, np.float32):
        table = np.arange(6, dtype=dtype).reshape(2, 3)
        for a, b in ((-3, 2), (2, -3), (4, 4)):
            for value in (0.0, -1.5, 1.7e308, np.inf, -np.inf, np.nan):
                assert both(table, a, b, value) == (6, 5.0, 3, min(a, b), bool(np.isfinite(value)))
        assert table[0, 1] == 5.0


@pytest.mark.parametrize("by_sample", [True, False])
def test_samples_in_pieces_are_the_samples(by_sample):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(23, 3)), rng.normal(size=(23, 2))
    pieces = ([table[at : at + 7] for at in range(0, 23, 7)] for table in (x, y))
    found = lay_out_pieces((*x.shape, y.shape[1]), *pieces, 16, np.float32, by_sample)
    inputs = found.x if by_sample else found.x[:, :23].T
    assert np.array_equal(inputs, x.astype(np.float32))
    assert by_sample or not found.x[:, 23:].any()
    assert np.array_equal(found.y[:, :23].T, y.astype(np.float32))
    assert (found.count, found.targets) == (23, 2)
