"""The two ways in which every command of ours ends early; the text is a sentence for the user.

It refuses to know who catches them: each `__main__` prints the sentence and ends with the status.
"""


class Misuse(Exception):
    """A request that can't be meant (a flag, a file, a name): exit status 2."""


class Failed(Exception):
    """What was asked for can't be had: exit status 1."""
