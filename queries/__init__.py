"""Query understanding: normal form, carrier phrases, constraints, reading, entity linking (DESIGN §2, §5, §6)."""
