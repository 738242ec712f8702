"""SciPy's functions that run themselves while the program runs, with derivatives by what their results satisfy.

A solver's result satisfies an equation (a minimum, a root, a fit, the conditions of Karush, Kuhn and Tucker), which is
differentiated in its place (`api.implicit`); what decides by elements (a nearest neighbour, a peak, a triangle) says
which elements count, and the rest is written out. A module is imported when a program first calls one of its functions.
"""
