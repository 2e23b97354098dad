"""Background tasks: TaskIQ on a stream of this service's own."""
