"""What the documentation says is run, parsed, compared: nobody has to believe it."""
