"""Tables, Delta reads and writes, the Spark session, the night's lock: everything that touches storage."""
