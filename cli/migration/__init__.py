"""Other load balancers' objects in, ours out: tables of their fields, and the proof."""
