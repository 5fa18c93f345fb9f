"""The rules of exports: items, locations, and what can be wrong with them."""
