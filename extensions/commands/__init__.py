"""The commands that people run beside Copier's own; rendering never uses them."""
