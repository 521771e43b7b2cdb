"""What turns a bare Debian machine into one that can build and test Pointsman.

Standard library only, because it runs before anything is installed. Nothing in
here is part of the wheel.
"""
