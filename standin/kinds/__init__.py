"""What is particular to a kind: defaults, checks, allocation."""
