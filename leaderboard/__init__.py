"""Leaderboard: result files in, tables and pages out (never imports torch)."""
