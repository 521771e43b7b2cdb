"""Where the objects come from that a command speaks of."""
