"""Strict, stateful fakes; each passes the conformance suite of the real thing."""
