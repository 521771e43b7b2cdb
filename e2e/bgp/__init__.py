"""Whole labs: what routers hear and do, with FRR and BIRD."""
