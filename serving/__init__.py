"""The release: the night writes, verifies and publishes it; readers look it up in microseconds. See docs/release-format.md."""
