"""What an operator or scientist may change: one YAML a job, and groups for the parts they share."""
