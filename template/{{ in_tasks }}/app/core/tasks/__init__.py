"""Background tasks: TaskIQ on the service's own JetStream stream."""
