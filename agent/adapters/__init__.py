"""The agent's I/O: netlink, packets, the API. Only main imports it."""
