"""The manifests in deploy/."""
