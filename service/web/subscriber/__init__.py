"""Sign-up to goodbye: the pages of one subscriber, their forms and limits."""
