"""This replica's BGP speakers: each read back and converged by a driver of its own."""
