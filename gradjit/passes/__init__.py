"""IR in, IR out: differentiation (reverse and forward), batching, simplification, fusion, memory."""
