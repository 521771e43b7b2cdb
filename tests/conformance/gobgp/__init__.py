"""What the BGP targets promise, asked of the fake and of a real gobgpd."""
