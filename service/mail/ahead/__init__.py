"""What is done before its turn: messages are made, and envelopes go behind the body before them."""
