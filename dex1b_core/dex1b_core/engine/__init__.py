"""The data engine: seed, train, generate, post-optimise, filter, repeat."""
