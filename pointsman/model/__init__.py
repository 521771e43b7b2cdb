"""Values: prefixes, paths, announcements, verdicts, deltas. Standard library only."""
