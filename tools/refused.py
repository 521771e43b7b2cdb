"""The one error of the tools: a sentence for the user, never a traceback."""


class Refused(Exception):
    """What is so, and what to do about it."""
