"""What a Kubernetes API does, asked of the stand-in and of a real server."""
