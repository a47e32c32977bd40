"""EVI on your desk: elizad plays Hume's EVI itself, so that programs for EVI run without an account."""
