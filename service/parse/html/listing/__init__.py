"""Lists of news in pages: found or described, their headlines, where they go on."""
