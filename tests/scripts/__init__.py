"""Transcripts: objects in, readable tables out, run through expanders."""
