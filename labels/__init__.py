"""Where clicks become grades: exposure curves, and exposure-corrected labels."""
