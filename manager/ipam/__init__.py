"""The IPAMs that Eips' addresses come from, or are written into: one driver for each such Eip."""
