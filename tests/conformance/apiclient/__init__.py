"""The manager's API client as a port: what `KubeApi` promises, and the fake in memory too.

`KubeApi` runs over HTTP on the stand-in API server, which has a contract of its own with a real
one (tests/conformance/kubernetes). The fake carries the whole simulation: where it is kinder
than a server, the simulation proves nothing.
"""
