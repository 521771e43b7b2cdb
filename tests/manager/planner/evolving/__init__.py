"""Random snapshots that evolve step by step, and a warm memo carried through them."""
