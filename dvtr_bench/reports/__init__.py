"""Charts, tables, pages and contact sheets, with foreign text made safe to show."""
