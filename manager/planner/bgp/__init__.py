"""Protocol bgp: which paths each speaker sends which router, and the conditions about it."""
