"""Kernel: which nodes have each address, or a route to its aggregate, for their own routers."""
