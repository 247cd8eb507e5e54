"""The report of a night as one HTML page that needs nothing else: plain values in, text out; no files, no Spark."""
