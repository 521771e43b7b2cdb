"""From a snapshot to a plan: pure, without memory, clock or log."""
