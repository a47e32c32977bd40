"""elizad: a Trio daemon that answers voice platforms with ELIZA.

`Turn`, `Session` and `Respond` are for a mind of your own in ELIZA's place (see elizad/agent.py).
"""

from elizad.agent import Respond, Session, ToolFailed, Turn

__all__ = ["Respond", "Session", "ToolFailed", "Turn", "__version__"]

__version__ = "0.1.0"
