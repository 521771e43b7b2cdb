"""The network as one HTML page: facts.py gathers, picture.py draws, page.py writes it."""
