"""The leading manager's answers to ARP and NDP, for Eips with `responder: Central`."""
