"""Labels: exposure curves, grades 0–4 corrected for exposure, and sampled negatives."""
