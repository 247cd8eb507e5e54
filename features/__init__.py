"""Query-track features: one function each, declared once; tables, matrix, validation and docs follow from it."""
