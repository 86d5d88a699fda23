"""The leaderboard as a folder of static files: made from result files, opened from disk."""
