"""Messages that leave with the transaction that writes them, and are handled once."""
