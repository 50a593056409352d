"""Sequencer and life-cycle authority: decides what did happen to a ticket."""
