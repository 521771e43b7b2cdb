"""GoBGP over gRPC: export policy, routes and neighbors, each read back before it is changed."""
