"""Custom resources: their schemas, and the rules in CEL."""
