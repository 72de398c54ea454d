"""Commands of `dex1b`: each module has `register(app)`, named in group 'dex1b.commands'."""
