"""Work that the chaos tier gives to the worker, beside the example's."""
