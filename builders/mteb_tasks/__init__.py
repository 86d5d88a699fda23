"""The retrieval tasks of a dataset for mteb: tables, the task's code, a card."""
