"""Measures elizad beside another server that speaks Hume's custom language model socket, the two taking turns."""
