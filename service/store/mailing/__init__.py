"""The ledger of mail: editions, segments, deliveries, what each reader was told."""
