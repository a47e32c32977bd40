"""What to say and what a new message supersedes. Pure: no platform, no task, no clock."""
