"""Protocol kernel with real routers on the nodes, as docs/kernel.md tells people to run them."""
