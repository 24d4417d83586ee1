"""What was taken back: articles, mails that show them, and who is still to be told."""
