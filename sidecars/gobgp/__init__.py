"""gobgpd's parent, pinned version and base configuration."""
