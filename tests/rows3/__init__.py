"""Address management in the running lab: who gets which address, and who keeps it."""
