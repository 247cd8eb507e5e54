"""From delivered files to daily counts: contract, quarantine, duplicates, sessions, bots, privacy."""
