"""What the agent's network port promises, asked of the fake and of a real kernel."""
