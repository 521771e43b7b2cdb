"""What `pointsman explain` tells of each kind: a story as JSON, and the same for people."""
