"""The Kubernetes API's contract, as far as Pointsman leans on it.

Written from Kubernetes' documentation, in raw HTTP and JSON, so that it shares no
misunderstanding with our client. Runs on the stand-in always; also on a real API server when
`KUBEBUILDER_ASSETS` (a directory with kube-apiserver and etcd) or `POINTSMAN_TEST_KUBECONFIG`
is set. `KUBECONFIG` is never used: nobody's cluster gets test objects by accident.
"""
