"""scipy.signal: convolutions, filters, smoothing, resampling, spectra. Loops over samples are loops of the program."""

from __future__ import annotations

from ..written_loops import Rule
from . import (
    chirps,
    filter_design,
    recursive_filters,
    sampling_rates,
    smoothing,
    spectral,
    sums_of_products,
    transfer_functions,
    waveforms,
)

RULES: dict[tuple[str, str], Rule] = {
    **sums_of_products.RULES, **recursive_filters.RULES, **smoothing.RULES, **sampling_rates.RULES,
    **spectral.RULES, **filter_design.RULES, **waveforms.RULES, **chirps.RULES, **transfer_functions.RULES}
