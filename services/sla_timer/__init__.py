"""The only alarm clock: every clock of every open ticket."""
