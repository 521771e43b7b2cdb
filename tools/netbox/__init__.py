"""A real NetBox on this machine, for tests: set up below `build/netbox`, run, and gone again."""
