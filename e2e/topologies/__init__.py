"""Topologies for containerlab and kind, each a folder with a README, and what checks them."""
