"""What replicas of the manager say to each other, and how each behaves to routers for it."""
