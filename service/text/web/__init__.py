"""Addresses, headers and hosts as texts: read without asking the network. Pure."""
