"""Programs that the Makefile calls: set-up of the machine, `make nightly`, the generated documents, and the kill test."""
