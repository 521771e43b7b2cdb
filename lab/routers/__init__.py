"""The routers of a lab: FRR and BIRD, of the suite or of a folder."""
