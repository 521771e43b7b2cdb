"""The processes of a lab: started, watched, failed on purpose, and ended."""
