"""Messages on NATS JetStream: the connection, streams, and consumers."""
