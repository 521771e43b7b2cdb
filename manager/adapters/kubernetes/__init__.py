"""The Kubernetes API: watched into caches, read into values, written fenced and by merge patch."""
