"""How a Python function becomes IR: through NumPy's protocols, and through lifted source where nothing dispatches."""

from . import masked_arrays, structured_arrays
from .control import by_index

__all__ = ["by_index", "masked_arrays", "structured_arrays"]
