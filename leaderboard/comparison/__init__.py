"""Two runs compared in pairs: what differs, what there is to show it with, tables, pages, sheet."""
