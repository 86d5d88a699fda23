"""Judged relevance: pools of pairs for people to judge, their answers, and the figures of both."""
