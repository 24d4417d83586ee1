"""Subscriptions at hubs (WebSub), and what hubs deliver."""
