"""What a lab can't do now; a request that can't be meant is `pointsman.runtime.errors.Misuse`."""


class Broken(Exception):
    """The lab can't do it now: one sentence for the user, exit status 1."""
