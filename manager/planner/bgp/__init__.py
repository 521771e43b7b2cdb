"""What the BGP speakers say, to which router, and what the resources of BGP state about it."""
