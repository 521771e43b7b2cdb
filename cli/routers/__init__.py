"""What a router must be told so that it is our peer, in its own language."""
