"""Check whether the results of others may enter the leaderboard."""
