"""Writing to the API: one request per object, fair, none waits for another; nothing is decided."""
