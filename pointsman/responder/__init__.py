"""Who answers ARP and NDP for our addresses, and when. No I/O, no clock, no chance of its own."""
