"""Runs the benchmarks, keeps what they measured, and writes it down."""
