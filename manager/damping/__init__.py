"""Memory that no snapshot holds: what is believed, written or sent a little later, and why."""
