"""The reversible steps between the bytes of a block and what is stored for them."""
