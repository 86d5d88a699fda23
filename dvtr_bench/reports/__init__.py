"""What pages and sheets are made of: contact sheets, others' text made safe to show."""
