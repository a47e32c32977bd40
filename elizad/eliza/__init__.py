"""The mind: Weizenbaum's ELIZA, its script language and its memory. Pure; knows no platform, no task and no clock."""

from elizad.eliza.diction import FAITHFUL, Diction
from elizad.eliza.engine import Eliza, State, Step
from elizad.eliza.parser import parse_script

__all__ = ["FAITHFUL", "Diction", "Eliza", "State", "Step", "parse_script"]
