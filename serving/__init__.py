"""The release: written by the night, verified, published, looked up in microseconds. See docs/release-format.md."""
