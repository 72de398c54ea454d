"""DexSimple, the learned generator."""
