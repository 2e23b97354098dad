"""What the bench adds to the service: a task and handlers that do nothing."""
