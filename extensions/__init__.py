"""What plain Copier cannot do; used at development time only, never while a service is rendered."""
