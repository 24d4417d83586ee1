"""What was taken back, in mails: those on their way are made anew, readers are told."""
