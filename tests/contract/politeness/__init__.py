"""A week at publishers who watch how they are asked."""
