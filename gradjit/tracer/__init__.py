"""How a Python function becomes IR: through NumPy's protocols, and through lifted source where nothing dispatches."""

from . import masked_arrays, structured_arrays

__all__ = ["masked_arrays", "structured_arrays"]
