"""Which nodes may carry an address, which do, with what weight, and whose an address is."""
