"""`make routers`: the rows of `e2e/bgp` on routers of other versions, and a table."""
