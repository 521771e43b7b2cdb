"""The manager's I/O: Kubernetes, GoBGP, leases, metrics. Only main imports it."""
