"""Work that the fire tier gives to the worker, beside the example's."""
