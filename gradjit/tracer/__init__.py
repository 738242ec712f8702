"""How a Python function becomes IR: through NumPy's protocols, and through lifted source where nothing dispatches."""
