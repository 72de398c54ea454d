"""Named protocols, metrics and reports."""
