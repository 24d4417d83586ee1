"""What the next mail would show: rehearsed on what is stored, without writing anything."""
