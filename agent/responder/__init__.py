"""What answers for layer2 addresses will live here: ARP, NDP and conflict detection.

Sans-I/O machines over packets and an assignment; the agent only reports so far.
"""
