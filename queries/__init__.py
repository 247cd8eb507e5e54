"""Query understanding: normal form, carrier phrases, constraints, reading, entity linking."""
