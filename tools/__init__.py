"""What make calls: set-up, the nightly front door, generated documents."""
