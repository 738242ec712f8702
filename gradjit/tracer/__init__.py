"""How a Python function becomes IR: NumPy's protocols carry the tracing, lifted source carries what does not dispatch."""
