"""The cluster of a lab: its API, objects, endpoints, Pods and kube-proxy."""
