"""What reading costs at ten thousand, a hundred thousand and a million articles, counted on both databases."""
