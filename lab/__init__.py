"""A small data centre on one Linux machine, out of network namespaces.

The demo, the playground and the test bed: a client, an upstream router running
real FRR or BIRD, nodes with pods behind service forwarding rules, a Kubernetes
API, the manager with a real gobgpd, and agents. Everything lives in namespaces
of the lab's own; the host's interfaces, rules and sysctls are never touched.

`lab.__main__` is the command, `lab.handle` what tests hold, `standin` the
stand-in for a Kubernetes API server. This package refuses to be imported by the
product: `manager` and `agent` know nothing of it.
"""
