"""Real packets for every row of what the walking skeleton promises: see the module names."""
