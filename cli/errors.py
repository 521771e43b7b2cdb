"""The two ways in which a command ends early; both texts are sentences for the user."""


class Misuse(Exception):
    """The command was given something it cannot work with: exit status 2."""


class Wrong(Exception):
    """What was asked for cannot be had: exit status 1."""
