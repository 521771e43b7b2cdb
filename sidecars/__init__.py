"""Speakers that run beside the manager."""
