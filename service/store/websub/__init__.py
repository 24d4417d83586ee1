"""Subscriptions at hubs (WebSub), and what hubs have delivered."""
