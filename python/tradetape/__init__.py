"""tradetape from Python: `models` reads its tables, `agent` publishes to its topics, `ids` makes its ids."""
