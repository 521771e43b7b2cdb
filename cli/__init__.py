"""The `pointsman` command: thin; it asks the planner and prints."""
