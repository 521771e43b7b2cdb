"""Real manager and agents on a virtual clock, with faults."""
