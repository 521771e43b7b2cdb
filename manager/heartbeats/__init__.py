"""Heartbeats of agents, as one replica hears and acknowledges them, and who is told."""
