"""What a program's shell is made of: loop, target, clock, elector, logging."""
