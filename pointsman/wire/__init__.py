"""The heartbeat's bytes: encode, verify, replay window. No I/O, no clock."""
