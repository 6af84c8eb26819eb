"""Programs that handle content from outside. Each runs in a child process of its own, started by `core.exchange.child`.

A program reads its input from standard input, writes its result to standard output, and knows nothing of the database.
"""
