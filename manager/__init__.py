"""The one place that decides: addresses, next hops, who answers ARP and NDP."""
