"""The stand-in Kubernetes API of the lab and the tests."""
