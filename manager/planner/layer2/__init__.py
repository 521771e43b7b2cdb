"""Layer 2: which node answers ARP and NDP for each address."""
