"""Commands of `dex1b`; each module has `register(app)`, found through the group 'dex1b.commands'."""
