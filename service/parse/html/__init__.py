"""Pages: the tree, its blocks of text, and what stands around the news."""
