"""scipy.ndimage: filters, interpolation between elements, and measurements by labels."""

from __future__ import annotations

from ..written_loops import Rule
from . import filters, grey_morphology, measurements, ranks, resampling, spectra

RULES: dict[tuple[str, str], Rule] = {**filters.RULES, **ranks.RULES, **resampling.RULES, **measurements.RULES,
                                     **grey_morphology.RULES, **spectra.RULES}
