"""What plain Copier cannot do: the commands, which people install, and the proof."""
