"""What only real machines can say: packets, routers, seconds; one folder per topology.

Empty so far: the tests with real packets are in `tests/rows` and `tests/lab`, on the lab's
network namespaces, marked `lab` (`make e2e` runs them). A topology moves in here when it
needs a cluster of its own: containerlab with kind, for those who have Docker.
"""
