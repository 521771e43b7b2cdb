"""How the help of every command ends: with something to copy. It knows no command."""


def examples(*lines: str) -> str:
    """Return the epilog of a parser whose formatter keeps line ends."""
    return "\n  ".join(("examples:", *lines))
