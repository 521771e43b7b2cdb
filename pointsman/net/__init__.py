"""Sockets that both programs open, and nothing that decides."""
