"""Pure functions on words: fold, clean, dates, language. No I/O, no clock."""
