"""ARP, NDP and conflict detection as sans-I/O machines (layer2 Eips)."""
