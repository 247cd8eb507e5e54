"""One thin Hydra app a step: read, call pure functions, check, write. `jobs.nightly` runs them in order."""
