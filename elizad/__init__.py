"""elizad: a Trio daemon that answers voice platforms with ELIZA."""

__version__ = "0.1.0"
