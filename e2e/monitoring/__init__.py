"""A real Prometheus that scrapes a lab, with the rules and queries that operators are given."""
