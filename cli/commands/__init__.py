"""One module for each verb of `pointsman`."""
