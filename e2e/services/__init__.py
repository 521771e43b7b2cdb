"""Whole labs: Services, nodes, restarts, two managers, and the demonstration."""
