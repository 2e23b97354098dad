"""The outbox: messages are written in a transaction, and sent after its commit."""
