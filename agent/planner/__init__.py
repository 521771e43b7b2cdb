"""From an assignment and the node's links to what the node holds and sends: pure."""
