"""What the manager shows as metrics. Only `manager.main` and tests import it."""
