"""Reply review, contact attempts, rating and closing (Art. 9, 12)."""
