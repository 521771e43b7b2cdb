"""IPAMs that addresses come from: NetBox, and whoever speaks our own HTTP contract."""
