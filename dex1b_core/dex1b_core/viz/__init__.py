"""Pictures and reports of what the stack did; nothing here needs a display or a GPU."""
