"""What the agent asks of a kernel for the protocol kernel, of the fake and of a real one."""
