"""scipy.ndimage: filters, interpolation between elements, and measurements by labels."""

from __future__ import annotations

from ..written_loops import Rule
from . import filters, grey_morphology, measurements, ranks, resampling, spectra
from .complex_images import by_parts, of_any_size

NOT_LINEAR = ("gaussian_gradient_magnitude",)
LINEAR: dict[tuple[str, str], Rule] = {
    **{place: of_any_size(f if place[1] in NOT_LINEAR else by_parts(f)) for place, f in filters.RULES.items()},
    **{place: by_parts(f) for place, f in resampling.RULES.items()}}
RULES: dict[tuple[str, str], Rule] = {**LINEAR, **{place: of_any_size(f) for place, f in ranks.RULES.items()},
                                     **measurements.RULES, **grey_morphology.RULES, **spectra.RULES}
