"""What an editor sees of an edition before it goes."""
