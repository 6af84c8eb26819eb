"""Commands of `comptoir`, one module each: `register(subparsers)` adds the parser and sets the function to run."""
