"""What a site offers to collect is searched for, as one careful visitor."""
