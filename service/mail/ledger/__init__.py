"""What a run of sending commits of each mail, many mails at a time."""
