"""Transcripts: objects in, readable tables out, and the same stories told in other ways.

`stories/*.yaml` holds stories, `stories/*.txt` what comes of them (`make update` rewrites
these). The speaker and the API are values here; real packets are the lab's tests.
"""
