"""Features of needs and tracks: one declared function each, from which tables, matrix, validation and documents are derived."""
