"""Checks of built datasets: verification, comparison of builds, audit."""
