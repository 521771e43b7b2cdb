"""What a command shows: the cluster's plan, and what a speaker has."""
