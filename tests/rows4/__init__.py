"""Rows of BGP sessions and paths, seen at real routers: FRR, and a BIRD beside it."""
