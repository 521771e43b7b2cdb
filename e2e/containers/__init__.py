"""The bed made of Docker containers: the lab's machines and programs, by Docker's own means.

A machine is a container that does nothing, and has a network of its own; each program is one in
its machine's network. So power, cables and programs fail as they do in the lab, and nothing here
needs root, or this machine's namespaces.
"""
