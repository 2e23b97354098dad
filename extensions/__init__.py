"""What plain Copier cannot do: commands for services and for the proof, never used by rendering."""
