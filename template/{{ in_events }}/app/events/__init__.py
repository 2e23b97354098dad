"""The events that this service publishes and handles."""
