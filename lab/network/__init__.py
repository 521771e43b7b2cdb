"""The wires of a lab: machines, addresses, namespaces, and requests through them."""
