"""The program on every node: it reports what the node has and does what it is told."""
