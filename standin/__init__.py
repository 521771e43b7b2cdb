"""A stand-in Kubernetes API: small, in memory, and never lying about what it does.

`pointsman lab`, the tests and the demo use it when no cluster is given. `standin.standin()`
serves it inside a test, `python -m standin` as a process. One contract suite,
`tests/conformance/kubernetes`, runs on it always and on a real API server when there is one; where
the two differ, this one is wrong.

Left out: server-side apply, OpenAPI v2, protobuf, RBAC, admission, garbage collection, Pods,
controllers, the cost estimate of CEL rules.
"""
