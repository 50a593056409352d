"""Assessment per unit and period, accountability flags (Art. 15, 16)."""
