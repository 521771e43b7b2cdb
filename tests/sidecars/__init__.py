"""The speakers' parents."""
