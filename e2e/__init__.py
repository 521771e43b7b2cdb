"""What only real packets can say: whole labs, real routers, kernels and seconds.

A folder for what it is about: `services`, `addresses`, `bgp`. All of them run on the lab's
network namespaces and are marked `lab` (`make e2e` runs them, `make test` too).
"""
